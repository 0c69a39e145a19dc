package ui

import (
	"crypto/subtle"
	"net"
	"net/http"
	"slices"
	"strings"
)

// cookie is the cookie that has the token.
const cookie = "docent-token"

// guard lets a request through if it may come from a viewer.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "+
			"base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		if !s.knownHost(r.Host) {
			http.Error(w, "this server is not known by that name", http.StatusMisdirectedRequest)
			return
		}
		if s.cfg.Token != "" && !s.admit(w, r) {
			return
		}
		next.ServeHTTP(w, r)
	})
}

// knownHost refuses requests for other host names: another page may resolve its
// own name to this server's address (DNS rebinding).
func (s *Server) knownHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	return len(s.cfg.Hosts) == 0 || slices.Contains(s.cfg.Hosts, host)
}

// admit checks the token. It moves a token in the URL into a cookie, so that
// the token does not stay in the browser's history.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) bool {
	if given := r.URL.Query().Get("token"); s.isToken(given) && r.Method == http.MethodGet {
		http.SetCookie(w, &http.Cookie{Name: cookie, Value: given, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
		http.Redirect(w, r, r.URL.Path, http.StatusSeeOther)
		return false
	}
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if kept, err := r.Cookie(cookie); s.isToken(bearer) || err == nil && s.isToken(kept.Value) {
		return true
	}
	http.Error(w, "give the token that docent ui was started with: /?token=TOKEN", http.StatusUnauthorized)
	return false
}

func (s *Server) isToken(given string) bool {
	return subtle.ConstantTimeCompare([]byte(given), []byte(s.cfg.Token)) == 1
}

// fromThePage reports whether the page's own script has made a request: other
// pages cannot set this header without permission (CORS).
func fromThePage(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return r.Header.Get("X-Docent") == "page" && (site == "" || site == "same-origin")
}
