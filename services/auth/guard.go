package auth

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/throughline-trials/throughline/services/problem"
)

// Guard returns a handler that stands before all others. Requests with a credential are let through with its [Grant] in
// their context, or refused with 401 if it is wrong. In open mode, what a web page of another origin or a host name
// rebound to this machine can send is refused: 421 unless Host is this server's, 403 for a foreign Origin or
// Sec-Fetch-Site. Outside open mode requests without a credential pass without a grant; [Require] refuses them.
//
// The address is the one listened on, with its real port. No answer ever allows another origin to read it.
func Guard(k *Keyring, address string, next http.Handler) http.Handler {
	hosts := ownHosts(address)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if k.IsOpen() && !checkOrigin(w, r, hosts) {
			return
		}
		grant, err := k.Authenticate(r)
		switch {
		case err == nil:
			r = r.WithContext(WithGrant(r.Context(), grant))
		case !errors.Is(err, ErrNoCredential):
			Refuse(w, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Require returns a handler that refuses requests without a grant with 401. It stands behind [Guard].
func Require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := FromContext(r.Context()); !ok {
			Refuse(w, ErrNoCredential)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Refuse answers 401 for an error of [Keyring.Authenticate].
func Refuse(w http.ResponseWriter, err error) {
	challenge := `Bearer realm="throughline"`
	if !errors.Is(err, ErrNoCredential) {
		challenge += `, error="invalid_token"`
	}
	w.Header().Set("WWW-Authenticate", challenge)
	problem.Write(w, http.StatusUnauthorized, "unauthorized", "Not authenticated", err.Error())
}

// Forbid answers 403 for a credential without a scope.
func Forbid(w http.ResponseWriter, detail string) {
	problem.Write(w, http.StatusForbidden, "forbidden", "Not allowed", detail)
}

// checkOrigin refuses what did not come from a program on this machine or a page of this server.
func checkOrigin(w http.ResponseWriter, r *http.Request, hosts map[string]bool) bool {
	if !hosts[strings.ToLower(r.Host)] {
		problem.Write(w, http.StatusMisdirectedRequest, "misdirected-request", "Misdirected request",
			"this server answers to its own address only while no token was made")
		return false
	}
	if !ownOrigin(r.Header, hosts) || !ownSite(r.Header) {
		problem.Write(w, http.StatusForbidden, "foreign-origin", "Foreign origin", "pages of other origins may not use this server")
		return false
	}
	return true
}

func ownOrigin(h http.Header, hosts map[string]bool) bool {
	for _, origin := range h["Origin"] {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "http" || u.User != nil || u.Path != "" || !hosts[strings.ToLower(u.Host)] {
			return false
		}
	}
	return true
}

func ownSite(h http.Header) bool {
	for _, site := range h["Sec-Fetch-Site"] {
		if site != "same-origin" && site != "none" {
			return false
		}
	}
	return true
}

// ownHosts returns the values of Host that name this server.
func ownHosts(address string) map[string]bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil
	}
	hosts := make(map[string]bool)
	for _, h := range []string{host, "localhost", "127.0.0.1", "::1"} {
		if h == "" {
			continue
		}
		joined := strings.ToLower(net.JoinHostPort(h, port))
		hosts[joined] = true
		if port == "80" {
			hosts[strings.TrimSuffix(joined, ":80")] = true
		}
	}
	return hosts
}
