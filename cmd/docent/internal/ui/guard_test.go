package ui

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming"
)

// oneSentence is an answer that says what to do.
var oneSentence = regexp.MustCompile(`^[A-Z][^\n]*[:;] [^\n]*\.\n$`)

// requireRejected checks an answer to a client that has no right to one.
func requireRejected(t *testing.T, code int, response *http.Response, text string) {
	t.Helper()
	require.Equal(t, code, response.StatusCode, text)
	require.Regexp(t, oneSentence, text)
	require.True(t, response.Close, "the connection is kept alive")
	require.Empty(t, response.Cookies())
	requireHardened(t, response)
}

func requireHardened(t *testing.T, response *http.Response) {
	t.Helper()
	for header, words := range map[string]string{
		"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-store",
	} {
		require.Contains(t, response.Header.Get(header), words, header)
	}
	policy := response.Header.Get("Content-Security-Policy")
	for _, words := range []string{"frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} {
		require.Contains(t, policy, words)
	}
	require.NotContains(t, policy, "unsafe")
	for header := range response.Header {
		require.NotContains(t, header, "Access-Control", "another site may read the answer")
	}
}

// begin exchanges a token for a browser session, and returns its address and
// what its requests carry.
func (w *world) begin(token string) (path string, kept *http.Cookie) {
	w.Helper()
	response, text := w.ask("GET", "/?token="+token, "", nil)
	require.Equal(w, http.StatusSeeOther, response.StatusCode, text)
	require.Len(w, response.Cookies(), 1)
	return response.Header.Get("Location"), response.Cookies()[0]
}

func with(kept *http.Cookie) func(*http.Request) {
	return func(r *http.Request) { r.AddCookie(kept) }
}

// Every local user can reach a loopback address.
func TestFault47_NothingWithoutAToken(t *testing.T) {
	w := newWorld(t)
	path, kept := w.begin(lookToken)
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} {
		for _, address := range []string{"/", "/index.html", "/app.js", "/api/events", "/api/about", "/api/drain", "/nothing", path, path + "api/events",
			"/?token=", "/?token=" + lookToken[1:], "/api/about?token=" + lookToken} {
			response, text := w.ask(method, address, "{}", nil)
			if method == "HEAD" {
				text = "None: a HEAD.\n"
			}
			requireRejected(t, http.StatusUnauthorized, response, text)
			require.Contains(t, response.Header.Get("WWW-Authenticate"), "Bearer")
		}
	}
	for _, change := range []func(*http.Request){
		bearer("x" + lookToken[1:]),
		bearer(""),
		with(&http.Cookie{Name: cookie, Value: lookToken}),
		with(kept), // its path is another
		with(&http.Cookie{Name: cookie, Value: "act." + strings.TrimPrefix(kept.Value, "look.")}),
	} {
		response, text := w.ask("GET", "/api/about", "", change)
		requireRejected(t, http.StatusUnauthorized, response, text)
	}
	response, text := w.ask("GET", path+"api/about", "", with(&http.Cookie{Name: cookie, Value: "act." + strings.TrimPrefix(kept.Value, "look.")}))
	requireRejected(t, http.StatusUnauthorized, response, text)
	other, _ := w.begin(lookToken)
	response, text = w.ask("GET", other+"api/about", "", with(kept))
	requireRejected(t, http.StatusUnauthorized, response, text)

	// A browser gets the sentence as a page.
	response, text = w.ask("GET", "/", "", func(r *http.Request) { r.Header.Set("Accept", "text/html,*/*") })
	require.Equal(t, http.StatusUnauthorized, response.StatusCode)
	require.Contains(t, text, "<p>Open the address that docent ui printed when it started: it has the token that this page needs.</p>")
	require.Contains(t, response.Header.Get("Content-Type"), "text/html")
	requireHardened(t, response)
}

// A viewer is not sent to a printed address for a token that it does not have.
func TestGivenTokensAreNotInAnAddress(t *testing.T) {
	w := newWorld(t, func(cfg *Config) { cfg.LookGiven, cfg.ActGiven = true, true })
	response, text := w.ask("GET", "/", "", nil)
	requireRejected(t, http.StatusUnauthorized, response, text)
	require.Contains(t, text, "add ?token=TOKEN to the address")
	response, text = w.ask("POST", "/api/drain", "{}", bearer(lookToken))
	require.Equal(t, http.StatusForbidden, response.StatusCode)
	require.Regexp(t, oneSentence, text)
	require.Contains(t, text, "add ?token=TOKEN with the token to act")
	// The name of the scheme has no case (RFC 9110).
	response, _ = w.ask("GET", "/api/about", "", func(r *http.Request) { r.Header.Set("Authorization", "bearer "+lookToken) })
	require.Equal(t, http.StatusOK, response.StatusCode)
}

// The address with the token is exchanged for a cookie, and the token is
// nowhere afterwards.
func TestFault47_TokenLeavesTheAddress(t *testing.T) {
	w := newWorld(t)
	for token, actions := range map[string]bool{lookToken: false, actToken: true} {
		response, text := w.ask("GET", "/?token="+token, "", nil)
		require.Equal(t, http.StatusSeeOther, response.StatusCode)
		require.Empty(t, text)
		path, kept := response.Header.Get("Location"), response.Cookies()[0]
		requireHardened(t, response)
		require.Regexp(t, `^/[A-Z2-7]{26}/$`, path)
		require.Equal(t, path, kept.Path, "the browser sends the cookie to other servers of this host")
		require.True(t, kept.HttpOnly)
		require.Equal(t, http.SameSiteStrictMode, kept.SameSite)
		require.Zero(t, kept.MaxAge)
		require.NotContains(t, response.Header, token)
		for _, address := range []string{"", "app.js", "style.css", "icon.svg", "api/about"} {
			response, text := w.ask("GET", path+address, "", func(r *http.Request) {
				r.AddCookie(&http.Cookie{Name: cookie, Value: "look.of-another-server"})
				r.AddCookie(kept)
			})
			require.Equal(t, http.StatusOK, response.StatusCode, address)
			requireHardened(t, response)
			require.NotContains(t, text, token)
			require.NotContains(t, fmt.Sprint(response.Header), token)
			if address == "api/about" {
				require.Contains(t, text, fmt.Sprintf(`"actions":%v,`, actions))
			}
		}
		require.NotContains(t, w.log.String(), token)
	}
}

// A browser session ends with the process, also if its token does not. While
// docent ui is not running, another user of the machine may listen on its port,
// and an open page sends that user its path and its cookie.
func TestSessionEndsWithTheProcess(t *testing.T) {
	before, after := newWorld(t), newWorld(t)
	for _, token := range []string{lookToken, actToken} {
		path, kept := before.begin(token)
		response, text := after.ask("GET", path+"api/about", "", with(kept))
		requireRejected(t, http.StatusUnauthorized, response, text)
		response, _ = before.ask("GET", path+"api/about", "", with(kept))
		require.Equal(t, http.StatusOK, response.StatusCode)
	}
}

// Base64 has characters that a form would change.
func TestTokenInAnAddress(t *testing.T) {
	const token = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
	w := newWorld(t, func(cfg *Config) { cfg.Look = token })
	for _, written := range []string{token, strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(token), token + "&x=1"} {
		response, _ := w.ask("GET", "/?token="+written, "", nil)
		require.Equal(t, http.StatusSeeOther, response.StatusCode, written)
	}
}

func TestWithoutToken(t *testing.T) {
	w := newWorld(t, func(cfg *Config) { cfg.Look, cfg.Act = "", "" })
	response, text := w.ask("GET", "/api/about", "", nil)
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Contains(t, text, `"actions":false,`)
	response, text = w.ask("POST", "/api/drain", `{}`, nil)
	require.Equal(t, http.StatusForbidden, response.StatusCode)
	require.Contains(t, text, "--allow-actions")
	response, text = w.ask("GET", "/", "", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
	requireRejected(t, http.StatusForbidden, response, text)
}

// Another site may neither read nor act, with whatever token.
func TestFault33_OtherSites(t *testing.T) {
	w := newWorld(t)
	path, kept := w.begin(actToken)
	own := w.url
	for _, c := range []struct {
		site, origin string
		ok           bool
	}{
		{"", "", true}, {"none", "", true}, {"same-origin", "", true}, {"same-origin", own, true}, {"", own, true},
		{"cross-site", "", false}, {"same-site", "", false}, {"cross-site", "https://evil.example", false}, {"", "https://evil.example", false},
		{"", "null", false}, {"", "http://127.0.0.1:1", false}, {"", "http://localhost" + own[strings.LastIndexByte(own, ':'):], false},
	} {
		for _, r := range []struct{ method, path string }{
			{"GET", ""}, {"GET", "app.js"}, {"GET", "api/about"}, {"GET", "api/events"}, {"HEAD", "api/events"}, {"POST", "api/transfer"},
		} {
			if c.ok && r.path == "api/events" && r.method == "GET" {
				continue // it has no end
			}
			body := ""
			if r.method == "POST" {
				body = `{"path":"/e","id":"a","confirm":"a"}`
			}
			response, text := w.ask(r.method, path+r.path, body, func(request *http.Request) {
				request.AddCookie(kept)
				request.Header.Set("Content-Type", "application/json")
				if c.site != "" {
					request.Header.Set("Sec-Fetch-Site", c.site)
				}
				if c.origin != "" {
					request.Header.Set("Origin", c.origin)
				}
			})
			switch {
			case c.ok && r.method == "POST":
				require.Equal(t, http.StatusConflict, response.StatusCode, "%v %v: %s", c, r, text)
			case c.ok:
				require.Equal(t, http.StatusOK, response.StatusCode, "%v %v: %s", c, r, text)
			case r.method == "HEAD":
				require.Equal(t, http.StatusForbidden, response.StatusCode, "%v %v", c, r)
			default:
				requireRejected(t, http.StatusForbidden, response, text)
			}
		}
	}
	response, _ := w.ask("GET", "/?token="+lookToken, "", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
	require.Equal(t, http.StatusForbidden, response.StatusCode)
	require.Empty(t, response.Cookies())
}

// A name that resolves to this server is not this server's name.
func TestHosts(t *testing.T) {
	w := newWorld(t, func(cfg *Config) { cfg.Hosts = []string{"localhost", "console.example"} })
	port := w.url[strings.LastIndexByte(w.url, ':'):]
	for host, ok := range map[string]bool{
		"localhost": true, "LocalHost" + port: true, "console.example": true, "console.example:443": true,
		"127.0.0.1" + port: true, "127.0.0.1": true, // where the connection arrives
		"evil.example": false, "evil.example" + port: false, "127.0.0.2" + port: false, "[::1]" + port: false, "localhost.evil.example": false, "": false,
	} {
		// net/http replaces an empty name.
		status, _ := w.raw("GET /api/about HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\nAuthorization: Bearer " + lookToken + "\r\n\r\n")
		if ok {
			require.Equal(t, http.StatusOK, status, host)
		} else {
			require.Equal(t, http.StatusMisdirectedRequest, status, host)
		}
	}
}

// raw sends bytes and reads an answer.
func (w *world) raw(request string) (status int, header http.Header) {
	w.Helper()
	conn, err := new(net.Dialer).DialContext(w.Context(), "tcp", strings.TrimPrefix(w.url, "http://"))
	require.NoError(w, err)
	defer conn.Close()
	defer context.AfterFunc(w.Context(), func() { _ = conn.Close() })()
	_, err = conn.Write([]byte(request))
	require.NoError(w, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(w, err, request)
	defer response.Body.Close()
	return response.StatusCode, response.Header
}

// Only exact addresses exist, for their methods.
func TestAddresses(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		method, path string
		code         int
	}{
		{"GET", "/", 200}, {"HEAD", "/", 200}, {"GET", "/app.js", 200}, {"HEAD", "/api/about", 200}, {"HEAD", "/api/events", 200},
		{"GET", "/index.html", 404}, {"GET", "/static/", 404}, {"GET", "/api/", 404}, {"GET", "/api", 404}, {"GET", "//", 404},
		{"GET", "/x/../app.js", 404}, {"GET", "/%2e%2e/server.go", 404}, {"GET", "/app.js/", 404}, {"GET", "/app.js%00", 404}, {"GET", `/..\server.go`, 404},
		{"POST", "/", 405}, {"OPTIONS", "/", 405}, {"TRACE", "/app.js", 405}, {"DELETE", "/api/about", 405}, {"GET", "/api/drain", 405},
		{"HEAD", "/api/drain", 405}, {"OPTIONS", "/api/drain", 405}, {"CONNECT", "/", 405}, {"OPTIONS", "*", 404}, {"get", "/", 405},
	} {
		status, header := w.raw(c.method + " " + c.path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Bearer " + lookToken + "\r\n\r\n")
		require.Equal(t, c.code, status, "%s %s", c.method, c.path)
		require.Equal(t, c.code == 405, header.Get("Allow") != "", "%s %s", c.method, c.path)
		require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
		status, _ = w.raw(c.method + " " + c.path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
		require.Equal(t, http.StatusUnauthorized, status, "%s %s", c.method, c.path)
	}
	response, text := w.ask("GET", "/nothing", "", bearer(lookToken))
	require.Regexp(t, oneSentence, text)
	require.False(t, response.Close, "a viewer's mistake ends no connection")
	response, text = w.ask("PUT", "/", "", bearer(lookToken))
	require.Equal(t, "GET, HEAD", response.Header.Get("Allow"))
	require.Regexp(t, oneSentence, text)
}

// The token to look does not act.
func TestFault47_RightToAct(t *testing.T) {
	w := newWorld(t)
	path, looking := w.begin(lookToken)
	_, acting := w.begin(actToken)
	post := func(path, kind string, change func(*http.Request)) (*http.Response, string) {
		return w.ask("POST", path, `{"path":"/e","id":"a\nb\u202e","confirm":"a\nb\u202e"}`, func(r *http.Request) {
			r.Header.Set("Content-Type", kind)
			change(r)
		})
	}
	for _, c := range []struct {
		at     string
		change func(*http.Request)
	}{{path, with(looking)}, {"/", bearer(lookToken)}} {
		response, text := post(c.at+"api/transfer", "application/json", c.change)
		require.Equal(t, http.StatusForbidden, response.StatusCode)
		require.Regexp(t, oneSentence, text)
		require.Contains(t, text, "only looking")
	}
	require.Contains(t, w.log.String(), "what=transfer address=127.0.0.1 session=bearer role=look outcome=rejected")
	response, text := post(path+"api/transfer", "application/json", with(acting))
	requireRejected(t, http.StatusUnauthorized, response, text)
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp"} {
		response, text := post("/api/transfer", kind, bearer(actToken))
		require.Equal(t, http.StatusUnsupportedMediaType, response.StatusCode, kind)
		require.Regexp(t, oneSentence, text)
	}
	response, text = post("/api/transfer", "application/json; charset=utf-8", bearer(actToken))
	require.Equal(t, http.StatusConflict, response.StatusCode, text)
	require.Contains(t, w.log.String(), `role=act path=/e id="a\nb\u202e" draining=false outcome=failed err=`)
	require.NotContains(t, w.log.String(), "\u202e")
}

// An action stays in the tree that is shown.
func TestActionsOutsideOfTheTree(t *testing.T) {
	w := newWorld(t, func(cfg *Config) { cfg.Path = "/app" })
	for path, code := range map[string]int{
		"/other": http.StatusForbidden, "/apples": http.StatusForbidden, "": http.StatusForbidden, "/": http.StatusForbidden,
		"/app/leader": http.StatusConflict, "/app": http.StatusConflict,
	} {
		got, text := w.act("transfer", fmt.Sprintf(`{"path":%q,"id":"a","confirm":"a"}`, path))
		require.Equal(t, code, got, "%s: %s", path, text)
	}
	// Neither a path with "..", which a directory's path could be cleaned of.
	_, err := naming.NewRegistry(w.sm).Register(t.Context(), naming.Instance{Service: "shop", ID: "shop-1", Address: "10.0.0.1", Port: 80})
	require.NoError(t, err)
	before, _ := w.zk.Node("/services/shop/shop-1")
	for _, path := range []string{"/app/../services/shop", "/app/x/../../services/shop", "/app/./shop", "/app//shop", "/app/shop/"} {
		for _, action := range []string{"transfer", "drain"} {
			code, text := w.act(action, fmt.Sprintf(`{"path":%q,"id":"shop-1","confirm":"shop-1","layout":"curator","draining":true}`, path))
			require.Equal(t, http.StatusBadRequest, code, "%s %q: %s", action, path, text)
			require.Regexp(t, oneSentence, text)
		}
	}
	after, _ := w.zk.Node("/services/shop/shop-1")
	require.Equal(t, before, after, "an instance outside of the tree was changed")
}
