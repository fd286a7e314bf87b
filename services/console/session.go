package console

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/throughline-trials/throughline/services/auth"
)

// cookieName holds the token of a person who signed in with it. Browsers send it to this origin's own pages only.
const cookieName = "throughline_token"

// WithSession returns a handler that lets a signed-in browser read: for GET and HEAD, the token of the cookie stands for
// the Authorization header that browsers do not send. Nothing can be written with it.
func WithSession(keyring *auth.Keyring, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, sent := r.Header["Authorization"]; !sent && (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.URL.Path != "/signin" {
			if secret, ok := signedIn(keyring, r); ok {
				r = r.Clone(r.Context())
				r.Header.Set("Authorization", "Bearer "+secret)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// signedIn returns the token of a request's cookie if it still is one.
func signedIn(keyring *auth.Keyring, r *http.Request) (string, bool) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return "", false
	}
	_, err = keyring.Identify(cookie.Value)
	return cookie.Value, err == nil
}

// signIn takes a token from the form and keeps it in the browser, or says that it is not known.
func (c *Console) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	if !ownPage(r) {
		auth.Forbid(w, "sign in from this server's own page")
		return
	}
	secret := strings.TrimSpace(r.PostFormValue("token"))
	if _, err := c.config.Keyring.Identify(secret); err != nil {
		c.render(w, http.StatusUnauthorized, "signin", signInView{page: page{Title: "Sign in"}, Wrong: true})
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: secret, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// ownPage reports whether a form comes from a page of this server: browsers say so, programs need not.
func ownPage(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host == r.Host
}

func (c *Console) signOut(w http.ResponseWriter, r *http.Request) {
	if !ownPage(r) {
		auth.Forbid(w, "sign out from this server's own page")
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: -1})
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
}

type signInView struct {
	page
	Wrong bool
}
