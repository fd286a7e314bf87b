package chhttp

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// Account is a name and password that may send statements.
type Account struct {
	Name     string
	Password string
	// Services marks the account of the services themselves, which may do everything.
	Services bool
	// Databases are those that any other account may read; the first is its default.
	Databases []string
}

// authenticate finds the account that a request names by Basic authentication, by the X-ClickHouse-User and -Key
// headers or by the user and password URL parameters; one way at a time.
func authenticate(accounts []Account, r *http.Request) (*Account, error) {
	name, password, err := credentialsOf(r)
	if err != nil {
		return nil, err
	}
	given := sha256.Sum256([]byte(password))
	var found *Account
	for i, a := range accounts {
		want := sha256.Sum256([]byte(a.Password))
		if subtle.ConstantTimeCompare(given[:], want[:]) == 1 && a.Name == name && a.Password != "" {
			found = &accounts[i]
		}
	}
	if found == nil {
		return nil, refusef(http.StatusForbidden, codeAuthenticationFailed, "authentication failed: no such user, or the password is wrong (the local ones are in connection.json of the data folder)")
	}
	return found, nil
}

func credentialsOf(r *http.Request) (name, password string, err error) {
	ways := 0
	if n, p, ok := r.BasicAuth(); ok {
		name, password, ways = n, p, ways+1
	} else if r.Header.Get("Authorization") != "" {
		return "", "", refusef(http.StatusUnauthorized, codeAuthenticationFailed, "authentication failed: only Basic authorization is understood")
	}
	if r.Header.Get("X-ClickHouse-User") != "" || r.Header.Get("X-ClickHouse-Key") != "" {
		name, password, ways = r.Header.Get("X-ClickHouse-User"), r.Header.Get("X-ClickHouse-Key"), ways+1
	}
	if q := r.URL.Query(); q.Has("user") || q.Has("password") {
		name, password, ways = q.Get("user"), q.Get("password"), ways+1
	}
	switch {
	case ways == 0:
		return "", "", refusef(http.StatusUnauthorized, codeRequiredPassword, "authentication required: give a user and password (the local ones are in connection.json of the data folder)")
	case ways > 1:
		return "", "", refusef(http.StatusForbidden, codeAuthenticationFailed, "authentication failed: credentials are given in more than one way")
	}
	return name, password, nil
}

// checkOrigin refuses requests that a web page of another origin, or a name rebound to this machine, could make.
func (h *Handler) checkOrigin(r *http.Request) error {
	if !h.hosts[strings.ToLower(r.Host)] {
		return refusef(http.StatusMisdirectedRequest, codeBadArguments, "this server is not reached by that host name, use the address it listens on")
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
	default:
		return refusef(http.StatusForbidden, codeBadArguments, "requests from web pages are not answered")
	}
	if origin := r.Header.Get("Origin"); origin != "" && origin != "http://"+r.Host {
		return refusef(http.StatusForbidden, codeBadArguments, "requests from web pages are not answered")
	}
	return nil
}
