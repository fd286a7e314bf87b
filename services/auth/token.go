package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// A token reads tl_<id>_<secret>: the id (10 characters) names it in lists, in the log and when revoking; the secret (52
// characters) is 256 random bits.
const (
	tokenPrefix = "tl_"
	idBytes     = 6
	secretBytes = 32
	maxAppBytes = 128
)

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

var studyPattern = regexp.MustCompile(`^(\*|[a-z0-9][a-z0-9-]{1,62})$`)

// Token is what is kept of a token.
type Token struct {
	ID      string        `json:"id"`
	Study   string        `json:"study"` // or [AllStudies]
	Scopes  []event.Scope `json:"scopes"`
	App     string        `json:"app,omitempty"`
	Created time.Time     `json:"created"`
	Revoked *time.Time    `json:"revoked,omitempty"` // a revoked token stays listed
	Hash    string        `json:"hash"`              // SHA-256 of the whole token, hexadecimal
}

// Request is what a new token should be good for.
type Request struct {
	Study  string // one study, or [AllStudies] with scope admin
	Scopes []event.Scope
	App    string // for people; optional
}

// Validate returns all that is wrong with the request.
func (r Request) Validate() error {
	var errs []error
	if !studyPattern.MatchString(r.Study) {
		errs = append(errs, errors.New("study: must be the id of one study, or * with scope admin"))
	}
	if r.Study == AllStudies && !slices.Contains(r.Scopes, event.ScopeAdmin) {
		errs = append(errs, errors.New("study: * needs scope admin; name one study"))
	}
	if len(r.Scopes) == 0 {
		errs = append(errs, fmt.Errorf("scope: none given; choose among %s", scopeNames()))
	}
	for _, s := range r.Scopes {
		if !slices.Contains(event.Scopes(), s) {
			errs = append(errs, fmt.Errorf("scope: %q is none of %s", s, scopeNames()))
		}
	}
	if len(r.App) > maxAppBytes || strings.ContainsFunc(r.App, isControl) {
		errs = append(errs, fmt.Errorf("app: at most %d printable characters", maxAppBytes))
	}
	return errors.Join(errs...)
}

// ParseScopes reads scopes that are separated by commas, each once, in the order of the vocabulary.
func ParseScopes(texts ...string) ([]event.Scope, error) {
	var got []event.Scope
	for part := range strings.SplitSeq(strings.Join(texts, ","), ",") {
		s := event.Scope(strings.TrimSpace(part))
		if s == "" {
			continue
		}
		if !slices.Contains(event.Scopes(), s) {
			return nil, fmt.Errorf("read scope %q: choose among %s", s, scopeNames())
		}
		got = append(got, s)
	}
	var scopes []event.Scope
	for _, s := range event.Scopes() {
		if slices.Contains(got, s) {
			scopes = append(scopes, s)
		}
	}
	if len(scopes) == 0 {
		return nil, fmt.Errorf("read scopes: none given; choose among %s", scopeNames())
	}
	return scopes, nil
}

func scopeNames() string {
	var names []string
	for _, s := range event.Scopes() {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// NewSecret returns a fresh random token that belongs to an id: the form in which local credentials are made too.
func NewSecret(id string) string {
	return tokenPrefix + id + "_" + randomText(secretBytes)
}

// newToken makes a token for a valid request and returns what to keep and what to show once.
func newToken(r Request, now time.Time) (Token, string) {
	id := randomText(idBytes)
	secret := NewSecret(id)
	return Token{ID: id, Study: r.Study, Scopes: r.Scopes, App: r.App, Created: now.UTC(), Hash: hashOf(secret)}, secret
}

// randomText returns n random bytes in base 32. The reader of crypto/rand never fails.
func randomText(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return base32Lower.EncodeToString(b)
}

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// idOf returns the id in a token's text, empty if it is no token.
func idOf(secret string) string {
	rest, ok := strings.CutPrefix(secret, tokenPrefix)
	if !ok {
		return ""
	}
	id, _, ok := strings.Cut(rest, "_")
	if !ok {
		return ""
	}
	return id
}

// matches compares in constant time.
func (t Token) matches(secret string) bool {
	return subtle.ConstantTimeCompare([]byte(t.Hash), []byte(hashOf(secret))) == 1
}

// Grant returns what the token is good for.
func (t Token) Grant() Grant {
	return Grant{ID: t.ID, Study: t.Study, Scopes: t.Scopes, App: t.App}
}
