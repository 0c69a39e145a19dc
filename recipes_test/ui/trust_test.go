//go:build unix

package ui

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// embedded starts the embedded server with one service, and returns its
// address.
func embedded(t *testing.T) string {
	t.Helper()
	server := zktest.New(t)
	addr, err := server.Listen("127.0.0.1:0")
	require.NoError(t, err)
	sm, err := session.Dial(within(t), session.Config{Servers: []string{addr}, Timeout: timeout})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sm.Close()) })
	_, err = naming.NewRegistry(sm).Register(within(t), naming.Instance{Service: "shop", ID: "shop-1", Address: "10.0.0.1", Port: 80})
	require.NoError(t, err)
	return addr
}

// The token opens the page once, and is in no place that the page's scripts,
// the browser's address bar or another server can see.
func TestFault47_TokenInTheBrowser(t *testing.T) {
	cmd, look, act := serveActions(t, embedded(t))
	base, token, _ := strings.Cut(look, "?token=")
	b := open(t, false)

	b.visit(base)
	b.sees("p", "Open the address that docent ui printed when it started")
	b.shot("token-needed")
	b.darken()
	b.shot("token-needed-dark")
	b.phone()
	b.shot("token-needed-phone")

	b = open(t, false)
	b.visit(look + "#/services/shop")
	b.sees("#detail", "10.0.0.1:80")
	require.Zero(t, run[float64](b, `return document.querySelectorAll("#detail button.act").length`))
	for _, where := range []string{"location.href", "document.cookie", "document.referrer", "document.documentElement.outerHTML",
		"JSON.stringify(performance.getEntries())", "JSON.stringify({...localStorage, ...sessionStorage})"} {
		require.NotContains(t, run[string](b, "return "+where), token, where)
	}
	require.Empty(t, run[string](b, "return document.cookie"))
	require.True(t, strings.HasSuffix(run[string](b, "return location.href"), "/#/services/shop"))
	b.shot("look")
	b.darken()
	b.shot("look-dark")
	b.phone()
	b.shot("look-phone")

	// The address to act gives the right, in the same browser too.
	b.visit(act + "#/services/shop")
	b.sees("#detail button.act", "Drain")
	b.shot("act-phone")
	require.NotContains(t, cmd.Stderr(), token)
	_, actToken, _ := strings.Cut(act, "?token=")
	require.NotContains(t, cmd.Stderr(), actToken)
}

// Another user may run another server on this machine. It gets neither the
// cookie nor the data of a browser that shows the page, even if it knows the
// page's address.
func TestFault33_AnotherServerOfThisMachine(t *testing.T) {
	_, _, act := serveActions(t, embedded(t))
	var mu sync.Mutex
	var cookies []string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		cookies = append(cookies, r.Header["Cookie"]...)
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>other</title>"))
	}))
	t.Cleanup(other.Close)
	b := open(t, false)
	b.visit(act)
	b.sees("#state", "live")
	page := run[string](b, "return location.href")
	page, _, _ = strings.Cut(page, "#")

	b.visit(other.URL)
	mu.Lock()
	require.Empty(t, cookies)
	mu.Unlock()
	attack := func(url string) map[string]string {
		t.Helper()
		var got map[string]string
		b.call("POST", "/execute/async", map[string]any{"args": []any{url}, "script": `
			const [url, done] = arguments;
			const result = {};
			const loads = (tag, attribute, path) => new Promise((then) => {
				const node = document.createElement(tag);
				node.onload = () => then("loaded");
				node.onerror = () => then("error");
				node[attribute] = url + path;
				document.body.append(node);
			});
			const events = new Promise((then) => {
				const source = new EventSource(url + "api/events", { withCredentials: true });
				source.onopen = () => then("open");
				source.onerror = () => then("error");
			});
			const text = (path, init) => fetch(url + path, { credentials: "include", ...init }).then((r) => r.text(), () => "error");
			const json = { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" };
			Promise.all([
				text("api/about").then((r) => result.read = r),
				text("api/drain", json).then((r) => result.act = r),
				text("api/drain", { method: "POST", mode: "no-cors", body: "{}" }).then((r) => result.blind = r || "opaque"),
				loads("script", "src", "app.js").then((r) => result.script = r),
				loads("img", "src", "icon.svg").then((r) => result.image = r),
				events.then((r) => result.events = r),
			]).then(() => done(result));`}, &got)
		return got
	}
	want := map[string]string{"read": "error", "act": "error", "script": "error", "image": "error", "events": "error", "blind": "error"}
	require.Equal(t, want, attack(page))
	require.Equal(t, want, attack(strings.Split(act, "?")[0]))

	// The page is in no frame of another.
	run[any](b, `const f = document.createElement("iframe"); f.src = arguments[0]; document.body.append(f)`, page)
	require.Equal(t, "null", run[string](b, `try { return JSON.stringify(document.querySelector("iframe").contentDocument && document.querySelector("iframe").contentDocument.title) } catch (e) { return "null" }`))

	// A file that the browser shows by itself is as bare.
	b.visit(page + "icon.svg")
	b.visit(page + "nothing")
	b.sees("p", "Nothing is at this address")
	b.shot("not-found")
}

// A page whose session has ended says what to do.
func TestEndedSession(t *testing.T) {
	addr, port := embedded(t), freePort(t)
	listen := "127.0.0.1:" + strconv.Itoa(port)
	cmd, look := serve(t, addr, "--listen", listen)
	b := open(t, false)
	b.visit(look + "#recipes")
	b.sees("#state", "live")
	b.sees("#list", "/services/shop")
	cmd.Kill()
	b.sees("#state", "The page has lost its server; it tries again.")
	_, again := serve(t, addr, "--listen", listen)
	b.sees("#state", "Open the address that docent ui printed when it started")
	b.shot("ended")
	b.visit(again)
	b.sees("#state", "live")
}
