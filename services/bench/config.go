// Package bench measures Throughline: each figure beside the limit of its parts alone, taken in the same run.
//
//	parts, in this process             the whole, in a process of its own
//	decode · log · engine              throughline up ◀─ HTTP ─ load
//	HTTP → acknowledged                     │
//	log → facts                             └─ facts and results, asked from outside
//
// The load runs on the same processors as what it measures.
package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Config says what to measure. Binary and Data are needed.
type Config struct {
	Binary      string   // the throughline executable
	Environment []string // of that process, beside the environment of this one
	Data        string   // folder for scratch data; must be empty
	Library     string   // path of libchdb.so; found by itself if empty
	Scale       Scale
	Progress    func(string) // told what is being measured; may be nil
}

// Scale is how much is measured.
type Scale struct {
	Part         time.Duration // for each part alone
	Base         int           // events there before the whole is measured
	Participants int
	Idle         time.Duration // without work before memory is measured
	Sustained    time.Duration // of the sustained load
	Clients      int           // requests under way at once in the sustained load
	Visible      time.Duration // of the load under which visibility is measured
	VisibleRate  int           // events/s of that load
}

// Full is the scale of the bounds: a million events and ten thousand participants before, a minute of load.
func Full() Scale {
	return Scale{Part: 4 * time.Second, Base: 1_000_000, Participants: 10_000, Idle: 32 * time.Second, Sustained: time.Minute, Clients: 16, Visible: 20 * time.Second, VisibleRate: 2000}
}

// Quick takes less than a minute.
func Quick() Scale {
	return Scale{Part: time.Second, Base: 100_000, Participants: 2_000, Idle: 3 * time.Second, Sustained: 10 * time.Second, Clients: 16, Visible: 5 * time.Second, VisibleRate: 2000}
}

// Validate returns all that is wrong with the configuration.
func (c Config) Validate() error {
	var errs []error
	if c.Binary == "" {
		errs = append(errs, errors.New("Binary is missing"))
	}
	if entries, err := os.ReadDir(c.Data); c.Data == "" || err != nil && !errors.Is(err, os.ErrNotExist) || len(entries) > 0 {
		errs = append(errs, fmt.Errorf("Data %q: name a folder that is empty or not there", c.Data))
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"Part", c.Scale.Part}, {"Idle", c.Scale.Idle}, {"Sustained", c.Scale.Sustained}, {"Visible", c.Scale.Visible}} {
		if d.value <= 0 {
			errs = append(errs, fmt.Errorf("Scale.%s is %s: must be more than 0", d.name, d.value))
		}
	}
	for _, n := range []struct {
		name         string
		value, least int
	}{{"Base", c.Scale.Base, 1}, {"Participants", c.Scale.Participants, perBatch}, {"Clients", c.Scale.Clients, 1}, {"VisibleRate", c.Scale.VisibleRate, perBatch}} {
		if n.value < n.least {
			errs = append(errs, fmt.Errorf("Scale.%s is %d: must be at least %d", n.name, n.value, n.least))
		}
	}
	return errors.Join(errs...)
}

// Run measures everything and leaves its data in the folder. The report holds what was measured until an error.
func Run(ctx context.Context, c Config) (*Report, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("check benchmark configuration: %w", err)
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	report := newReport(c.Scale)
	for _, part := range []struct {
		folder string
		run    func(context.Context, Config, *Report) error
	}{{"parts", runParts}, {"whole", runWhole}} {
		own := c
		own.Data = filepath.Join(c.Data, part.folder)
		if err := os.MkdirAll(own.Data, 0o700); err != nil {
			return report, fmt.Errorf("make scratch folder: %w", err)
		}
		if err := part.run(ctx, own, report); err != nil {
			return report, fmt.Errorf("measure %s: %w", part.folder, err)
		}
	}
	return report, nil
}
