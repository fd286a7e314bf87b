package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/throughline-trials/throughline/pkg/event"
)

// tokenRow is one token as the server lists it; Token is given once, when it is made.
type tokenRow struct {
	ID      string        `json:"id"`
	Token   string        `json:"token,omitempty"`
	Study   string        `json:"study"`
	Scopes  []event.Scope `json:"scopes"`
	App     string        `json:"app,omitempty"`
	Created time.Time     `json:"created"`
}

func newToken(a *app) *cobra.Command {
	cmd := group(&cobra.Command{
		Use: "token", Short: "Make, list and revoke access tokens",
		Long: `A token carries one or more scopes for one study:

  emit       send usage events            register  send registry events
  allocate   send randomisations          admin     publish definitions, see everything of the study
  read       read results                 funder    read released aggregates

The first token ends open mode: from then on every request needs one. Tokens are stored as hashes; the text is shown
once, when the token is made.`,
	})
	a.peer.register(cmd)
	cmd.AddCommand(newTokenCreate(a), newTokenList(a), newTokenRevoke(a))
	return cmd
}

func newTokenCreate(a *app) *cobra.Command {
	var scopes []string
	var grant tokenRow
	cmd := &cobra.Command{
		Use: "create --scope SCOPE --study STUDY", Short: "Make a token and print it",
		Example: "  throughline token create --scope emit --study hope-2026 --app android\n  throughline token create --scope register,allocate --study hope-2026",
		Args:    args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			parsed, err := parseScopes(scopes)
			if err != nil {
				return err
			}
			if grant.Study != "*" && !event.ValidStudy(grant.Study) {
				return usagef("--study: give the id of a study, or '*' for all of them")
			}
			grant.Scopes = parsed
			return a.withServer(cmd.Context(), func(ctx context.Context, p *peer) error {
				var made tokenRow
				if err := p.do(ctx, "POST", "/v1/admin/tokens", nil, grant, &made); err != nil {
					return err
				}
				if a.json {
					return a.printJSON(made)
				}
				a.say("token %s for study %s (%s); it is shown this once. Open mode has ended: every request needs a token.", made.ID, made.Study, joinScopes(made.Scopes))
				fmt.Fprintln(a.out, made.Token)
				return nil
			})
		},
	}
	cmd.Flags().StringSliceVar(&scopes, "scope", nil, "what the token may do: "+joinScopes(event.Scopes())+" (repeat or part by commas)")
	cmd.Flags().StringVar(&grant.Study, "study", "", "the study it is for")
	cmd.Flags().StringVar(&grant.App, "app", "", "the app that will hold it, for delivery health")
	return cmd
}

func parseScopes(names []string) ([]event.Scope, error) {
	if len(names) == 0 {
		return nil, usagef("--scope is needed: one of %s", joinScopes(event.Scopes()))
	}
	var scopes []event.Scope
	for _, name := range names {
		known := false
		for _, s := range event.Scopes() {
			known = known || string(s) == name
		}
		if !known {
			return nil, usagef("--scope %q is none of %s", name, joinScopes(event.Scopes()))
		}
		scopes = append(scopes, event.Scope(name))
	}
	return scopes, nil
}

func joinScopes(scopes []event.Scope) string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}

func newTokenList(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the tokens (never their text)", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withServer(cmd.Context(), func(ctx context.Context, p *peer) error {
				var list struct {
					Tokens []tokenRow `json:"tokens"`
				}
				if err := p.do(ctx, "GET", "/v1/admin/tokens", nil, nil, &list); err != nil {
					return err
				}
				if a.json {
					return a.printJSON(list)
				}
				w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
				fmt.Fprintln(w, "ID\tSTUDY\tSCOPES\tAPP\tCREATED")
				for _, t := range list.Tokens {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", t.ID, t.Study, joinScopes(t.Scopes), t.App, t.Created.Format(time.RFC3339))
				}
				return w.Flush()
			})
		},
	}
}

func newTokenRevoke(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: "Revoke a token at once", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withServer(cmd.Context(), func(ctx context.Context, p *peer) error {
				if err := p.do(ctx, "DELETE", "/v1/admin/tokens/"+url.PathEscape(args[0]), nil, nil, nil); err != nil {
					return err
				}
				if a.json {
					return a.printJSON(map[string]string{"revoked": args[0]})
				}
				a.say("revoked %s", args[0])
				return nil
			})
		},
	}
}
