package analyst

import "cmp"

// armFlow counts the flow of one arm, or of all.
type armFlow struct {
	frame *Frame

	primary               bool // there is a primary outcome: at these places
	assessment, timepoint int

	out                                                        FlowCounts
	analysed, excluded                                         int
	notStarted, lost, withdrew, died, discontinued, exclusions reasons
}

func newArmFlow(f *Frame, primary bool, assessment, timepoint int) armFlow {
	return armFlow{
		frame: f, primary: primary, assessment: assessment, timepoint: timepoint,
		notStarted: reasons{}, lost: reasons{}, withdrew: reasons{}, died: reasons{}, discontinued: reasons{}, exclusions: reasons{},
	}
}

func (a *armFlow) add(p *person) {
	a.out.Allocated++
	if a.frame.belongs(p, Started) {
		a.out.Started++
	} else {
		a.out.NotStarted++
		a.notStarted.add(a.whyNotStarted(p))
	}
	switch reason := p.Exit.Reason; p.Exit.Kind {
	case ExitCompleted:
		a.out.Completed++
	case ExitLost:
		a.out.Lost++
		a.lost.add(reason)
	case ExitWithdrew:
		a.out.Withdrew++
		a.withdrew.add(reason)
	case ExitDied:
		a.out.Died++
		a.died.add(reason)
	default:
		a.out.InFollowUp++
	}
	if stop := p.Registry.Stop; stop != nil {
		a.out.Discontinued++
		a.discontinued.add(stop.Reason)
	}
	if a.primary {
		a.analyse(p)
	}
}

// whyNotStarted is the reason for which the intervention ended before it began, or else that of leaving the study.
func (a *armFlow) whyNotStarted(p *person) string {
	switch {
	case len(a.frame.plan.arms[p.Arm].components) == 0:
		return string(ReasonNoComponents)
	case p.Registry.Stop != nil && p.Registry.Stop.Reason != "":
		return p.Registry.Stop.Reason
	case p.Exit.Kind == ExitLost:
		return cmp.Or(p.Exit.Reason, notStartedLost)
	case p.Exit.Kind == ExitDied:
		return notStartedDied
	case p.Exit.Kind == ExitWithdrew:
		return p.Exit.Reason
	}
	return ""
}

// analyse counts a participant as analysed, or as excluded and why.
func (a *armFlow) analyse(p *person) {
	at := a.frame.plan.def.Assessments[a.assessment].Timepoints[a.timepoint]
	got := p.answer(a.frame.plan.def, a.assessment, a.timepoint)
	if got.score != nil {
		a.analysed++
		return
	}
	a.excluded++
	switch kind := p.Exit.Kind; {
	case got.submitted:
		a.exclusions.add(noScore)
	case kind != ExitNone && kind != ExitCompleted:
		a.exclusions.add(string(kind))
	case p.c <= at.Day+at.WindowDays:
		a.exclusions.add(notDue)
	default:
		a.exclusions.add(notSubmitted)
	}
}

func (a *armFlow) counts() FlowCounts {
	out := a.out
	out.NotStartedReasons, out.DiscontinuedReasons = a.notStarted.counts(), a.discontinued.counts()
	out.LostReasons, out.WithdrewReasons, out.DiedReasons = a.lost.counts(), a.withdrew.counts(), a.died.counts()
	out.ExcludedReasons = a.exclusions.counts()
	if a.primary {
		out.Analysed, out.Excluded = &a.analysed, &a.excluded
	}
	return out
}
