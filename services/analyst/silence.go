package analyst

// Variant says from which silence non-usage is dated.
type Variant string

// The variants.
const (
	LastUse    Variant = "last_use"    // the silence that lasts to the end; the default
	FirstLapse Variant = "first_lapse" // the first one, whether or not use came back
)

// nonUse is how the use of one participant went.
type nonUse struct {
	tooEarly bool // no answer yet: in no n
	event    bool
	day      int // of the event, or of censoring

	horizon       int  // min(τ, A)
	reactivations int  // qualifying days that ended a lapse
	lateStart     bool // first use after day g
	active        bool // not in a lapse at the end
}

// calendar is the days of one participant from day 0 to before E, for some components.
type calendar struct {
	used  []bool
	other []bool // neither paused nor in an outage of every component; nil: all
}

// end returns E: the cut-off, the end of access, death, or an end decided on for the participant.
func (f *Frame) end(p *person) int {
	return min(p.c, f.plan.def.AccessDays(), p.by(p.Death), p.by(p.Discontinued))
}

// open reports whether E still moves with the cut-off.
func (f *Frame) open(p *person) bool {
	return p.c < min(f.plan.def.AccessDays(), p.by(p.Death), p.by(p.Discontinued))
}

// calendar returns the days before end, for components of the participant's arm.
func (f *Frame) calendar(p *person, components []int, end int) calendar {
	c := calendar{used: make([]bool, end)}
	for _, component := range components {
		for _, u := range p.usesOf(component) {
			if u.Day < end {
				c.used[u.Day] = true
			}
		}
	}
	if !p.interrupted(components) {
		return c
	}
	c.other = make([]bool, end)
	for day := range c.other {
		c.other[day] = !p.paused(day) && !p.allOut(components, day)
	}
	return c
}

// allOut reports whether every component was in an outage for the whole day.
func (p *person) allOut(components []int, day int) bool {
	for _, c := range components {
		if !p.out(c, day) {
			return false
		}
	}
	return true
}

func (c *calendar) counts(day int) bool { return c.other == nil || c.other[day] }

// answerable returns A, the first day with fewer than g other days after it.
func (c *calendar) answerable(g int) int {
	end := len(c.used)
	if c.other == nil {
		return max(0, end-g)
	}
	a, after := end, 0
	for a > 0 && after < g {
		a--
		if c.other[a] {
			after++
		}
	}
	return a
}

// last returns L, the last day of use, 0 if there is none.
func (c *calendar) last() int {
	for day := len(c.used) - 1; day > 0; day-- {
		if c.used[day] {
			return day
		}
	}
	return 0
}

// firstLapse returns the last day before the first g other days without use, and the last day of use if there are none.
func (c *calendar) firstLapse(g int) int {
	before, silent := 0, 0
	for day := 1; day < len(c.used); day++ {
		switch {
		case c.used[day]:
			before, silent = day, 0
		case c.counts(day):
			if silent++; silent == g {
				return before
			}
		}
	}
	return before
}

// silenceEnd returns the day on which g other days after a day have passed, never if they have not.
func (c *calendar) silenceEnd(day, g int) int {
	for day++; day < len(c.used); day++ {
		if c.counts(day) {
			if g--; g == 0 {
				return day
			}
		}
	}
	return never
}

// returns counts the qualifying days that ended a lapse, and reports whether the first came after day g.
func (c *calendar) returns(g int) (number int, lateStart bool) {
	silent, ever := 0, false
	for day, used := range c.used {
		switch {
		case used && !ever:
			ever, lateStart = true, silent >= g
			silent = 0
		case used:
			if silent >= g {
				number++
			}
			silent = 0
		case day > 0 && c.counts(day):
			silent++
		}
	}
	return number, lateStart
}

// nonUse returns how the use of components of the participant's arm went, with silences of g days.
func (f *Frame) nonUse(p *person, components []int, g int, variant Variant) nonUse {
	c := f.calendar(p, components, f.end(p))
	return f.silence(p, &c, g, variant)
}

func (f *Frame) silence(p *person, c *calendar, g int, variant Variant) nonUse {
	a := c.answerable(g)
	if a <= 0 {
		return nonUse{tooEarly: true}
	}
	last := c.last()
	at := last
	if variant == FirstLapse {
		at = c.firstLapse(g)
	}
	out := nonUse{horizon: min(f.plan.def.DurationDays(), a), active: last >= a}
	out.reactivations, out.lateStart = c.returns(g)
	completed := p.by(p.Completed)
	switch {
	case at >= out.horizon:
		out.day = out.horizon - 1
	case completed != never && completed <= c.silenceEnd(at, g):
		out.day = completed
	default:
		out.event, out.day = true, at
	}
	return out
}
