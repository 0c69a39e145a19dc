package ui

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// role is what a viewer may do.
type role string

const (
	looks role = "look"
	acts  role = "act" // and look
)

// viewer is the sender of an admitted request.
type viewer struct {
	role role
	// session is a name of the viewer's browser session, for logs and limits. It
	// gives no access. It is "bearer" for a client that sends the token itself,
	// and "none" if no token is needed.
	session string
	// address is the viewer's address, without the port.
	address string
}

// Cookies do not know ports: a browser sends the cookie of 127.0.0.1 to every
// server on 127.0.0.1, and another user of the machine may run such a server.
// So each browser session has a random path of its own, and the cookie goes to
// that path alone. Another server would have to know the path to get the
// cookie. Neither the path nor the cookie gives access without the other.
//
// The cookie is a code that the token authenticates, not the token, and the
// server keeps nothing for a session. A browser session ends with the process,
// also if its token goes on: once the process has ended, another user may
// listen on its port, and an open page sends that user the path and the cookie.

// cookie is the name of a browser session's cookie.
const cookie = "docent-ui"

// pathLength is the length of rand.Text.
const pathLength = 26

// tokenFor returns the token of a role, or "" if the server has none.
func (s *Server) tokenFor(r role) string {
	if r == acts {
		return s.cfg.Act
	}
	return s.cfg.Look
}

// roleOf returns the role that a token gives. It compares in constant time.
func (s *Server) roleOf(given string) (is role, ok bool) {
	sum := sha256.Sum256([]byte(given))
	for _, r := range []role{looks, acts} {
		token := s.tokenFor(r)
		want := sha256.Sum256([]byte(token))
		if subtle.ConstantTimeCompare(sum[:], want[:]) == 1 && token != "" {
			is, ok = r, true
		}
	}
	return is, ok
}

// seal returns the cookie of a role for a browser session's path.
func (s *Server) seal(r role, path string) string {
	mac := hmac.New(sha256.New, []byte(s.tokenFor(r)))
	mac.Write([]byte("docent ui\x00" + s.nonce + "\x00" + string(r) + "\x00" + path))
	return string(r) + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// admit returns the sender of a request, and the address that it asks for. If
// the request has no right to be served, admit answers it.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) (v viewer, path string, ok bool) {
	v.address = r.RemoteAddr
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		v.address = host
	}
	if s.cfg.Look == "" {
		v.role, v.session = looks, "none"
		return v, r.URL.Path, true
	}
	if scheme, bearer, found := strings.Cut(r.Header.Get("Authorization"), " "); found && strings.EqualFold(scheme, "Bearer") {
		v.session = "bearer"
		v.role, ok = s.roleOf(bearer)
		path = r.URL.Path
	} else if id, rest, found := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); found && len(id) == pathLength {
		name := sha256.Sum256([]byte(id))
		v.session = hex.EncodeToString(name[:4])
		v.role, ok = s.unseal(r, id)
		path = "/" + rest
	} else if r.URL.Path == "/" && r.Method == http.MethodGet {
		if given, asked := queryToken(r.URL); asked {
			if v.role, ok = s.roleOf(given); ok {
				s.begin(w, r, v.role)
				return v, "", false
			}
		}
	}
	if !ok {
		w.Header().Set("WWW-Authenticate", `Bearer realm="docent ui"`)
		s.reject(w, r, http.StatusUnauthorized, s.withoutToken())
	}
	return v, path, ok
}

// withoutToken tells a viewer where the token is.
func (s *Server) withoutToken() string {
	if s.cfg.LookGiven {
		return "This page needs the token that docent ui was given: add ?token=TOKEN to the address that it printed."
	}
	return "Open the address that docent ui printed when it started: it has the token that this page needs."
}

// unseal returns the role of the request's cookie. Other servers of the same
// host may have set cookies of the same name. A request without a right may have
// a thousand: their number costs no more codes.
func (s *Server) unseal(r *http.Request, id string) (is role, ok bool) {
	given := r.CookiesNamed(cookie)
	for _, candidate := range []role{looks, acts} {
		if s.tokenFor(candidate) == "" {
			continue
		}
		want := []byte(s.seal(candidate, id))
		for _, c := range given {
			if hmac.Equal([]byte(c.Value), want) {
				is, ok = candidate, true
			}
		}
	}
	return is, ok
}

// begin exchanges the token of an address for the cookie of a browser session,
// and sends the browser to the address of the session. So the token stays
// neither in the browser's address bar nor in its cookies.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, role role) {
	id := rand.Text()
	http.SetCookie(w, &http.Cookie{
		Name: cookie, Value: s.seal(role, id), Path: "/" + id + "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
	w.Header().Set("Location", "/"+id+"/")
	w.WriteHeader(http.StatusSeeOther)
}

// queryToken returns the token of an address. A "+" is a character of the
// token, and not a space.
func queryToken(u *url.URL) (token string, ok bool) {
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		if value, found := strings.CutPrefix(pair, "token="); found {
			token, err := url.PathUnescape(value)
			return token, err == nil
		}
	}
	return "", false
}
