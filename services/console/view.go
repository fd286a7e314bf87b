package console

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/analyst"
	"github.com/throughline-trials/throughline/services/auth"
	"github.com/throughline-trials/throughline/services/stats"
	"github.com/throughline-trials/throughline/services/study"
)

// rateView is a proportion in words, with its interval drawn.
type rateView struct {
	Value, Of, Limits, Reason string
	Bar                       template.HTML
}

func percent(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) }

func newRate(r stats.Rate) rateView {
	return newInterval(r.Value, r.Lower, r.Upper, r.Reason, fmt.Sprintf("%d of %d", r.X, r.N))
}

func newPooled(p stats.Pooled) rateView {
	return newInterval(p.Value, p.Lower, p.Upper, p.Reason, fmt.Sprintf("%d studies", p.Studies))
}

func newInterval(value, low, high stats.Value, reason stats.Reason, of string) rateView {
	v, ok := value.Get()
	if !ok {
		return rateView{Reason: words(string(reason))}
	}
	view := rateView{Value: percent(v), Of: of}
	lower, haveLower := low.Get()
	upper, haveUpper := high.Get()
	if haveLower && haveUpper {
		view.Limits = fmt.Sprintf("%.1f to %.1f", 100*lower, 100*upper)
		view.Bar = bar(v, lower, upper)
	}
	return view
}

// bar draws an interval on a scale from 0 to 1.
func bar(value, lower, upper float64) template.HTML {
	return template.HTML(fmt.Sprintf(
		`<svg class="interval" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="%s, interval %s to %s"><line class="axis" x1="0" y1="5" x2="100" y2="5"/><line class="band" x1="%.2f" y1="5" x2="%.2f" y2="5"/><rect class="mark" x="%.2f" y="1" width="1.2" height="8"/></svg>`,
		percent(value), percent(lower), percent(upper), 100*lower, 100*upper, 100*value-0.6))
}

type portfolioView struct {
	page
	Note     string
	Delivery []deliveryView
	Studies  []studyLine
}

type deliveryView struct {
	Label                          string
	Studies, Arms, Participants    int
	High, Medium, Low, NotReported int
	Dropout, Completion            rateView
	Reference                      []string
}

type studyLine struct {
	ID, Title, Design, Delivery string
	Participants                int
	Tier                        stats.Tier
	Dropout, NonUsage           rateView
	Blinded                     string
}

func (c *Console) portfolio(ctx context.Context, _ *http.Request, grant auth.Grant) (string, any, error) {
	q := analyst.Query{Privileged: grant.Allows(event.ScopeAdmin, "") && grant.Study == auth.AllStudies}
	list, err := c.config.Reader.Studies(ctx, q)
	if err != nil {
		return "", nil, err
	}
	view := portfolioView{page: page{Title: "Studies", Stamp: stamp(list.AsOf), SignedIn: signedInBy(grant)}}
	if c.config.Note != nil {
		view.Note = c.config.Note()
	}
	types, err := c.config.Reader.DeliveryTypes(ctx, q)
	if err != nil {
		return "", nil, err
	}
	rows := map[string]analyst.ForestRow{}
	for _, t := range types.DeliveryTypes {
		for _, row := range t.Forest {
			rows[row.Study] = row
		}
		if grant.Study == auth.AllStudies {
			view.Delivery = append(view.Delivery, newDelivery(t))
		}
	}
	for _, s := range list.Studies {
		if grant.Covers(s.ID) {
			view.Studies = append(view.Studies, newLine(s, rows))
		}
	}
	return "portfolio", view, nil
}

func newDelivery(t analyst.DeliveryType) deliveryView {
	v := deliveryView{
		Label: words(string(t.DeliveryType)), Studies: t.Studies, Arms: t.Arms, Participants: t.Participants,
		High: t.StudyTiers.High, Medium: t.StudyTiers.Medium, Low: t.StudyTiers.Low, NotReported: t.StudyTiers.NotReported,
		Dropout: newPooled(t.Pooled.Dropout), Completion: newRate(t.Completion.Rate),
	}
	for _, r := range t.Reference {
		v.Reference = append(v.Reference, referenceWords(r))
	}
	return v
}

func newLine(s analyst.StudyLine, rows map[string]analyst.ForestRow) studyLine {
	v := studyLine{
		ID: s.ID, Title: s.Title, Design: words(string(s.Design)), Delivery: words(string(s.DeliveryType)),
		Participants: s.Participants, Tier: stats.TierNotReported,
	}
	row, ok := rows[s.ID]
	switch {
	case ok:
		v.Tier, v.Dropout, v.NonUsage = row.Tier, newRate(row.Dropout), newRate(row.NonUsage)
	case s.Blinding != study.SightOpen:
		v.Blinded = "blinded: arms are shown to scope admin only"
	default:
		v.Blinded = "no arm with components"
	}
	return v
}

type studyView struct {
	page
	ID, Design, Definition, Assigned    string
	Version, Participants               int
	Duration, Period, FollowUp, Silence int
	Tier                                stats.Tier
	Blinded                             string
	Dropout, NonUsage                   attritionView
	Tiers                               []tierView
}

type attritionView struct {
	ID, Label  string
	WithUptake bool
	Arms       []armView
}

type armView struct {
	Arm                 string
	N, Events, TooEarly int
	Provisional         bool
	Rate, AtEnd, Uptake rateView
}

type tierView struct {
	Arm                            string
	Participants                   int
	Tier, Throughout               stats.Tier
	Participation, Completion      rateView
	High, Medium, Low, NotReported int
}

func (c *Console) study(ctx context.Context, r *http.Request, grant auth.Grant) (string, any, error) {
	id := r.PathValue("study")
	q := analyst.Query{Privileged: grant.Allows(event.ScopeAdmin, id)}
	s, err := c.config.Reader.Study(ctx, id, q)
	if err != nil {
		return "", nil, err
	}
	def := s.Complete
	view := studyView{
		page: page{Title: s.Title, Stamp: stamp(s.Cutoff), SignedIn: signedInBy(grant)}, ID: s.ID, Design: words(string(s.Design)), Definition: def.DefinitionID(),
		Version: s.DefinitionVersion, Participants: s.Participants, Assigned: "assigned",
		Duration: def.DurationDays(), Period: def.PeriodDays(), FollowUp: def.FollowUpDays, Silence: def.SilenceDays(""),
		Tier: stats.TierNotReported,
	}
	if def.Design == study.DesignRandomised {
		view.Assigned = "randomised"
	}
	err = c.results(ctx, id, q, &view)
	if errors.Is(err, analyst.ErrBlinded) {
		view.Blinded, err = "This study is blinded: results by arm are shown to scope admin only.", nil
	}
	return "study", view, err
}

func (c *Console) results(ctx context.Context, id string, q analyst.Query, view *studyView) error {
	dropout, err := c.config.Reader.Attrition(ctx, id, analyst.AttritionQuery{Query: q, Kind: analyst.Dropout})
	if err != nil {
		return err
	}
	nonUsage, err := c.config.Reader.Attrition(ctx, id, analyst.AttritionQuery{Query: q, Kind: analyst.NonUsage})
	if err != nil {
		return err
	}
	engagement, err := c.config.Reader.Engagement(ctx, id, analyst.EngagementQuery{Query: q})
	if err != nil {
		return err
	}
	view.Dropout = newAttrition("dropout", "Dropout attrition by arm", dropout)
	view.NonUsage = newAttrition("nonusage", "Non-usage attrition by arm", nonUsage)
	view.NonUsage.WithUptake = true
	view.Tier = engagement.StudyTier
	for _, a := range engagement.Arms {
		view.Tiers = append(view.Tiers, tierView{
			Arm: a.Label, Participants: a.Participants, Tier: a.Participation.Tier, Throughout: a.Throughout.Tier,
			Participation: newRate(a.Participation.Rate), Completion: newRate(a.Completion),
			High: a.Tiers.High, Medium: a.Tiers.Medium, Low: a.Tiers.Low, NotReported: a.Tiers.NotReported,
		})
	}
	return nil
}

func newAttrition(id, label string, a *analyst.Attrition) attritionView {
	v := attritionView{ID: id, Label: label}
	for _, arm := range a.Arms {
		v.Arms = append(v.Arms, armView{
			Arm: arm.Label, N: arm.N, Events: arm.Events, TooEarly: arm.TooEarly, Provisional: arm.Provisional,
			Rate: newRate(arm.Rate), AtEnd: newRate(arm.RateAtEnd), Uptake: newRate(arm.Uptake),
		})
	}
	return v
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// referenceWords says what the review printed.
func referenceWords(r analyst.Reference) string {
	var b strings.Builder
	b.WriteString(words(r.Measure))
	if r.Portion != "" {
		b.WriteString(", " + words(string(r.Portion)))
	}
	if r.Channel != "" {
		b.WriteString(", " + words(string(r.Channel)))
	}
	switch {
	case r.N > 0:
		fmt.Fprintf(&b, ": %d of %d", r.X, r.N)
	case r.Value != nil:
		fmt.Fprintf(&b, ": %.0f %%", 100**r.Value)
	case r.Low != nil && r.High != nil:
		fmt.Fprintf(&b, ": %.0f to %.0f %%", 100**r.Low, 100**r.High)
	}
	return b.String()
}
