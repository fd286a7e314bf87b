// Package auth says who may do what: tokens with scopes, the local credential, open mode, and the checks that keep
// web pages of other origins out.
//
// A token is shown once; only its SHA-256 is kept, in a JetStream key-value bucket that all services share. While the
// server listens on loopback and no token was ever made, requests without a credential are granted everything but the
// acts that need [Grant.Trusted] (open mode). The first token ends open mode for good.
package auth

import (
	"context"
	"slices"

	"github.com/throughline-trials/throughline/pkg/event"
)

// AllStudies is the study of a grant that is good for every study.
const AllStudies = "*"

// The ids of the credentials that are no tokens.
const (
	OpenID  = "open"  // open mode
	LocalID = "local" // the local credential of connection.json
)

// Grant is what a credential may do.
type Grant struct {
	ID     string        // of the credential; stands beside each event in the log
	Study  string        // the one study, or [AllStudies]
	Scopes []event.Scope // [event.ScopeAdmin] includes all others
	App    string        // what uses the credential, for people; may be empty
}

// OpenGrant returns what open mode grants: everything in every study, without being trusted.
func OpenGrant() Grant {
	return Grant{ID: OpenID, Study: AllStudies, Scopes: []event.Scope{event.ScopeAdmin}}
}

// LocalGrant returns what the local credential grants: everything.
func LocalGrant() Grant {
	return Grant{ID: LocalID, Study: AllStudies, Scopes: []event.Scope{event.ScopeAdmin}}
}

// Allows reports whether the grant has a scope in a study. An empty study asks for the scope in any study.
func (g Grant) Allows(scope event.Scope, study string) bool {
	return g.Covers(study) && g.Has(scope)
}

// Covers reports whether the grant is good for a study; an empty study always is.
func (g Grant) Covers(study string) bool {
	return study == "" || g.Study == AllStudies || g.Study == study
}

// Has reports whether the grant has a scope, by name or by being an administrator's.
func (g Grant) Has(scope event.Scope) bool {
	return slices.Contains(g.Scopes, scope) || slices.Contains(g.Scopes, event.ScopeAdmin)
}

// Trusted reports whether the grant may erase, unblind, make tokens and restore: the local credential and administrators'
// tokens for all studies may; open mode may not.
func (g Grant) Trusted() bool {
	return g.ID != OpenID && g.Study == AllStudies && slices.Contains(g.Scopes, event.ScopeAdmin)
}

// TrustedFor reports whether the grant may do the acts of [Grant.Trusted] within one study.
func (g Grant) TrustedFor(study string) bool {
	return g.ID != OpenID && g.ID != "" && g.Covers(study) && slices.Contains(g.Scopes, event.ScopeAdmin)
}

type grantKey struct{}

// WithGrant returns a context that carries a grant.
func WithGrant(ctx context.Context, g Grant) context.Context {
	return context.WithValue(ctx, grantKey{}, g)
}

// FromContext returns the grant that [Guard] found for a request, and whether there is one.
func FromContext(ctx context.Context) (Grant, bool) {
	g, ok := ctx.Value(grantKey{}).(Grant)
	return g, ok
}
