package analyst

import (
	"maps"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// SkewBounds are the bounds of the classes in which differences of clocks are counted, sender's less receiver's: below
// the first, between two, and from the last on. Below zero is the ordinary delay of sending as much as a slow clock.
func SkewBounds() []time.Duration {
	return []time.Duration{
		-24 * time.Hour, -time.Hour, -5 * time.Minute, -time.Minute, time.Minute, 5 * time.Minute, time.Hour, 24 * time.Hour,
	}
}

// add counts one accepted event.
func (c *Counts) add(e *entry) {
	c.Events++
	if e.event.IsTest {
		c.Tests++
		return
	}
	raw := &e.row.Event
	if raw.Mode() != event.ModalityImported {
		switch late := e.row.Received.Sub(raw.Time.Time); {
		case late > 7*24*time.Hour:
			c.Late7d++
			fallthrough
		case late > 24*time.Hour:
			c.Late24h++
			fallthrough
		case late > time.Hour:
			c.Late1h++
		}
	}
	if !raw.Sent.IsZero() {
		c.skew(raw.Sent.Sub(e.row.Received))
	}
}

func (c *Counts) skew(difference time.Duration) {
	bounds := SkewBounds()
	if c.Skew == nil {
		c.Skew = make([]int, len(bounds)+1)
	}
	class := 0
	for class < len(bounds) && difference >= bounds[class] {
		class++
	}
	c.Skew[class]++
}

// plus adds up the counts of two participants.
func (c *Counts) plus(o *Counts) {
	c.Events += o.Events
	c.Tests += o.Tests
	c.Unassigned += o.Unassigned
	c.Late1h += o.Late1h
	c.Late24h += o.Late24h
	c.Late7d += o.Late7d
	c.AfterWithdrawal += o.AfterWithdrawal
	c.LongSessions += o.LongSessions
	if len(o.Contamination) > 0 {
		sum := map[int]int{}
		maps.Copy(sum, c.Contamination)
		for component, n := range o.Contamination {
			sum[component] += n
		}
		c.Contamination = sum
	}
	if len(o.Skew) > 0 {
		sum := make([]int, len(o.Skew))
		copy(sum, c.Skew)
		for i, n := range o.Skew {
			sum[i] += n
		}
		c.Skew = sum
	}
}
