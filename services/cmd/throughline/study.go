package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/throughline-trials/throughline/services/study"
)

func newStudy(a *app) *cobra.Command {
	cmd := group(&cobra.Command{Use: "study", Short: "Publish, list and show study definitions"})
	a.peer.register(cmd)
	cmd.AddCommand(newStudyApply(a), newStudyList(a), newStudyShow(a))
	return cmd
}

// applied is the answer of study apply.
type applied struct {
	Study    string `json:"study"`
	Position string `json:"position"`
	Changed  bool   `json:"changed"`
}

func newStudyApply(a *app) *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "apply FILE.yaml",
		Short: "Check a study definition and publish it; a newer one supersedes the older",
		Long: `Checks a study definition (YAML or JSON), naming every problem with its line, and publishes it to the log.
A new version supersedes the former one; numbers of a past day are still computed by the version of that day.
Applying the same definition again changes nothing.`,
		Example: "  throughline study apply hope-2026.yaml\n  throughline study apply hope-2026.yaml --dry-run",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			doc, err := os.ReadFile(args[0])
			if err != nil {
				return fmt.Errorf("read study definition: %w", err)
			}
			def, err := study.Parse(doc, args[0])
			if err != nil {
				return err
			}
			if dryRun {
				a.say("%s is a valid definition of %s; nothing was published (--dry-run)", args[0], def.ID)
				return nil
			}
			return a.withServer(cmd.Context(), func(ctx context.Context, p *peer) error { return a.applyStudy(ctx, p, def) })
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "check only, publish nothing")
	return cmd
}

func (a *app) applyStudy(ctx context.Context, p *peer, def *study.Definition) error {
	result, err := publishDefinition(ctx, p, def)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(result)
	}
	if result.Changed {
		a.say("published %s at %s", result.Study, result.Position)
	} else {
		a.say("%s stands already as given; nothing changed", result.Study)
	}
	return nil
}

// publishDefinition posts a definition as definition.published. Its id is made from its content, so that the same
// definition is the same event; a definition that was superseded and is applied again gets an id of its own.
func publishDefinition(ctx context.Context, p *peer, def *study.Definition) (applied, error) {
	result := applied{Study: def.ID}
	current, err := currentDefinition(ctx, p, def.ID)
	if err != nil {
		return result, err
	}
	if current != nil && bytes.Equal(current, def.JSON()) {
		return result, nil
	}
	now := time.Now().UTC()
	body, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": fmt.Sprintf("definition-%d", now.UnixNano()), "source": "/throughline/study-apply",
		"type": "definition.published", "study": def.ID, "time": now.Format(time.RFC3339Nano), "data": json.RawMessage(def.JSON()),
	})
	if err != nil {
		return result, fmt.Errorf("encode definition: %w", err)
	}
	var answer ingestAnswer
	if err := p.send(ctx, "POST", "/v1/events", nil, "application/cloudevents+json", bytes.NewReader(body), &answer); err != nil {
		return result, err
	}
	if err := answer.err(); err != nil {
		return result, err
	}
	result.Position, result.Changed = answer.Position, true
	awaitResults(ctx, p, result)
	return result, nil
}

// awaitResults waits until the results know what was published, so that the next command finds it. That they do not yet,
// or that the credential may not read, is no failure: the definition is published.
func awaitResults(ctx context.Context, p *peer, a applied) {
	_ = p.do(ctx, "GET", "/v1/studies/"+url.PathEscape(a.Study), url.Values{"after": {a.Position}}, nil, nil)
}

// currentDefinition returns the published definition of a study as the server holds it, nil if there is none.
func currentDefinition(ctx context.Context, p *peer, id string) ([]byte, error) {
	var shown struct {
		Definition json.RawMessage `json:"definition"`
	}
	err := p.do(ctx, "GET", "/v1/admin/studies/"+url.PathEscape(id)+"/definition", nil, nil, &shown)
	if refused, ok := err.(*problem); ok && refused.Status == 404 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	def, err := study.Parse(shown.Definition, id)
	if err != nil {
		return nil, nil //nolint:nilerr // an older form that no longer parses is simply superseded
	}
	return def.JSON(), nil
}

// ingestAnswer is what POST /v1/events answers.
type ingestAnswer struct {
	Accepted   int `json:"accepted"`
	Duplicates int `json:"duplicates"`
	Rejected   []struct {
		Index  int    `json:"index"`
		ID     string `json:"id"`
		Code   string `json:"code"`
		Field  string `json:"field"`
		Detail string `json:"detail"`
	} `json:"rejected"`
	Position string `json:"position"`
	Detail   string `json:"detail"`
	Title    string `json:"title"`
}

// err returns the first refusal of an answer, nil if there is none.
func (r *ingestAnswer) err() error {
	if len(r.Rejected) == 0 {
		return nil
	}
	first := r.Rejected[0]
	return fmt.Errorf("refused (%s): %s", first.Code, first.Detail)
}

// studyRow is one study as /v1/studies lists it.
type studyRow struct {
	ID           string `json:"id"`
	Title        string `json:"title"`
	Design       string `json:"design"`
	Arms         int    `json:"arms"`
	Participants int    `json:"participants"`
}

func newStudyList(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the studies", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withServer(cmd.Context(), func(ctx context.Context, p *peer) error {
				var raw json.RawMessage
				if err := p.do(ctx, "GET", "/v1/studies", nil, nil, &raw); err != nil {
					return err
				}
				if a.json {
					return a.printJSON(raw)
				}
				var list struct{ Studies []studyRow }
				if err := json.Unmarshal(raw, &list); err != nil {
					return fmt.Errorf("read studies: %w", err)
				}
				w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
				fmt.Fprintln(w, "STUDY\tDESIGN\tARMS\tPARTICIPANTS\tTITLE")
				for _, s := range list.Studies {
					fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\n", s.ID, s.Design, s.Arms, s.Participants, s.Title)
				}
				return w.Flush()
			})
		},
	}
}

func newStudyShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show STUDY", Short: "Show a study: definition, arms, cut-off", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withServer(cmd.Context(), func(ctx context.Context, p *peer) error {
				var raw json.RawMessage
				if err := p.do(ctx, "GET", "/v1/studies/"+url.PathEscape(args[0]), nil, nil, &raw); err != nil {
					return err
				}
				return a.printJSON(raw)
			})
		},
	}
}
