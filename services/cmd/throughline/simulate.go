package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/pkg/sdk"
	"github.com/throughline-trials/throughline/services/simulate"
)

func newSimulate(a *app) *cobra.Command {
	spec := simulate.Spec{}
	var delivery string
	var channels []string
	var start string
	var dryRun bool
	cmd := &cobra.Command{
		Use: "simulate", Short: "Make a study to order and send its events",
		Long: `Makes one simulated study: definition, participants, randomisation, use, drop-out, measures. The same seed and order
make the same events, so that sending them again changes nothing; on a later day this takes the same --start.`,
		Example: "  throughline simulate --id pilot-a --participants 200 --engagement 0.7 --dropout 0.004\n  throughline simulate --design pre_post --arms 1 --channels app,phone_call --dry-run",
		Args:    args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			spec.DeliveryType = event.DeliveryType(delivery)
			for _, c := range channels {
				spec.Channels = append(spec.Channels, event.Channel(strings.TrimSpace(c)))
			}
			spec.Now = time.Now()
			if start != "" {
				var err error
				if spec.Start, err = time.Parse(time.DateOnly, start); err != nil {
					return usagef("--start: give a day such as 2026-01-05")
				}
				if spec.Start.After(spec.Now) {
					return usagef("--start: is in the future; what has not happened cannot be sent")
				}
			}
			study, err := simulate.Single(spec)
			if err != nil {
				return usageError{err}
			}
			if dryRun {
				return a.showSimulated(study)
			}
			return a.withServer(cmd.Context(), func(ctx context.Context, p *peer) error { return a.sendSimulated(ctx, p, study) })
		},
	}
	a.peer.register(cmd)
	f := cmd.Flags()
	f.StringVar(&spec.ID, "id", "", "study id (default simulated)")
	f.StringVar(&spec.Title, "title", "", "title")
	f.StringVar(&spec.Design, "design", "", "randomised_controlled_trial, quasi_experimental, pre_post or qualitative")
	f.StringVar(&delivery, "delivery-type", "", "of the first arm: "+joined(event.DeliveryTypes()))
	f.StringSliceVar(&channels, "channels", nil, "components of the first arm, by channel: "+joined(event.Channels()))
	f.IntVar(&spec.Arms, "arms", 0, "number of arms (default 2; 1 for pre_post)")
	f.IntVar(&spec.Participants, "participants", 0, "over all arms (default 100)")
	f.IntVar(&spec.DurationDays, "duration", 0, "days of the intervention (default 84)")
	f.IntVar(&spec.PeriodDays, "period", 0, "days of a period (default 7)")
	f.IntVar(&spec.FollowUpDays, "follow-up", 0, "days of follow-up (default: the duration)")
	f.Float64Var(&spec.DropoutHazard, "dropout", 0, "chance of leaving the study, per day (default 0.002; negative: nobody leaves)")
	f.Float64Var(&spec.NonUsage, "non-usage", 0, "share that stops using the intervention (default: by engagement)")
	f.Float64Var(&spec.Engagement, "engagement", 0, "share of participant-periods engaged, 0 to 1 (default 0.6)")
	f.Float64Var(&spec.Completion, "completion", 0, "share that completes the intervention (default: by engagement)")
	f.StringVar(&spec.Timezone, "timezone", "", "IANA zone of the study (default UTC)")
	f.StringVar(&start, "start", "", "day of the first assignment, e.g. 2026-01-05 (default: so that follow-up is over now)")
	f.Uint64Var(&spec.Seed, "seed", 1, "seed of chance")
	f.BoolVar(&dryRun, "dry-run", false, "print the definition and the number of events, send nothing")
	return cmd
}

func joined[T ~string](values []T) string {
	names := make([]string, len(values))
	for i, v := range values {
		names[i] = string(v)
	}
	return strings.Join(names, ", ")
}

func (a *app) showSimulated(s simulate.Study) error {
	n := 0
	for range s.Events(time.Now()) {
		n++
	}
	fmt.Fprintf(a.out, "%s\n", s.Definition)
	a.say("%d subjects, %d events; nothing was sent (--dry-run)", s.Subjects(), n)
	return nil
}

// sent is the answer of simulate.
type sent struct {
	Study      string             `json:"study"`
	Events     int                `json:"events"`
	Accepted   int                `json:"accepted"`
	Duplicates int                `json:"duplicates"`
	Rejected   int                `json:"rejected"`
	Reasons    map[event.Code]int `json:"reasons,omitempty"` // of the rejected, by code
	Position   string             `json:"position"`
}

func (a *app) sendSimulated(ctx context.Context, p *peer, s simulate.Study) error {
	client, err := sdk.New(sdk.Config{URL: p.base, Token: p.token})
	if err != nil {
		return err
	}
	total := sent{Study: s.ID, Reasons: map[event.Code]int{}}
	shown := time.Now()
	_, err = simulate.Load(ctx, []simulate.Study{s}, simulate.Loading{
		Until: time.Now(), Workers: 1,
		Submit: func(ctx context.Context, events []event.Event) error {
			result, err := client.Send(ctx, events...)
			total.Events += len(events)
			total.Accepted += result.Accepted
			total.Duplicates += result.Duplicates
			total.Rejected += len(result.Rejected)
			for _, r := range result.Rejected {
				total.Reasons[r.Code]++
			}
			total.Position = result.Position
			return err
		},
		Progress: func(p simulate.Progress) {
			if time.Since(shown) > time.Second {
				shown = time.Now()
				a.say("%3.0f %%, %d events", 100*p.Fraction(), p.Events)
			}
		},
	})
	if err != nil {
		return err
	}
	if a.json {
		err = a.printJSON(total)
	} else {
		a.say("%s: %d events sent, %d accepted, %d duplicates, %d rejected", total.Study, total.Events, total.Accepted, total.Duplicates, total.Rejected)
		for code, n := range total.Reasons {
			a.say("  %s: %d", code, n)
		}
	}
	if err == nil && total.Rejected > 0 {
		return errReported
	}
	return err
}
