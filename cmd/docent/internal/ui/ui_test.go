package ui

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a server, a process that uses it, and the page of another.
type world struct {
	*testing.T
	zk     *zktest.Server
	server *Server
	sm     *session.Manager
	url    string // without a slash at its end
	client *http.Client
	log    *safeBuffer
}

// The tokens of the page in these tests.
const (
	lookToken = "look-Zq8vR2mK7xT4bN9cW1"
	actToken  = "act-Hy3fL6pJ0sD5gQ8uE2"
)

type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}
func (b *safeBuffer) String() string { b.mu.Lock(); defer b.mu.Unlock(); return b.buf.String() }

func newWorld(t *testing.T, change ...func(*Config)) *world {
	t.Helper()
	w := &world{T: t, zk: zktest.New(t), log: new(safeBuffer)}
	w.sm = w.dial()
	cfg := Config{Manager: w.dial(), Path: "/", Options: []inspect.Option{inspect.Every(time.Millisecond)},
		Look: lookToken, Act: actToken, Hosts: []string{"127.0.0.1"}, Log: slog.New(slog.NewTextHandler(w.log, nil))}
	for _, f := range change {
		f(&cfg)
	}
	w.server = New(cfg)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w.url = "http://" + listener.Addr().String()
	w.client = &http.Client{Transport: new(http.Transport), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- w.server.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-served)
		w.client.CloseIdleConnections()
	})
	return w
}

// ask sends a request, and returns the answer and its text. change may be nil.
func (w *world) ask(method, path, body string, change func(*http.Request)) (*http.Response, string) {
	w.Helper()
	request, err := http.NewRequestWithContext(w.Context(), method, w.url+path, strings.NewReader(body))
	require.NoError(w, err)
	if change != nil {
		change(request)
	}
	response, err := w.client.Do(request)
	require.NoError(w, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(w, err)
	return response, string(text)
}

// bearer gives a token as a program does.
func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func (w *world) dial() *session.Manager {
	w.Helper()
	sm, err := session.Dial(w.Context(), session.Config{Servers: []string{"zk1"}, Dialer: w.zk.DialContext})
	require.NoError(w, err)
	w.Cleanup(func() { _ = sm.Close() })
	return sm
}

// event is one that the server has sent.
type event struct{ name, data string }

// events listens until the test ends.
func (w *world) events() (next func() event) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
	request, err := http.NewRequestWithContext(ctx, "GET", w.url+"/api/events", nil)
	require.NoError(w, err)
	bearer(lookToken)(request)
	response, err := w.client.Do(request)
	require.NoError(w, err)
	w.Cleanup(func() {
		cancel()
		_ = response.Body.Close()
	})
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	return func() event {
		w.Helper()
		var e event
		for lines.Scan() {
			switch key, value, _ := strings.Cut(lines.Text(), ": "); key {
			case "event":
				e.name = value
			case "data":
				e.data = value
			case "":
				if e.name != "" {
					return e
				}
			}
		}
		require.FailNow(w, "the events have ended", "%v", lines.Err())
		return e
	}
}

// watch reads reports until one is as wanted.
func (w *world) watch(ok func(findings []map[string]any) bool) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, "GET", w.url+"/api/events", nil)
	require.NoError(w, err)
	bearer(lookToken)(request)
	response, err := w.client.Do(request)
	require.NoError(w, err)
	defer response.Body.Close()
	require.Equal(w, "text/event-stream", response.Header.Get("Content-Type"))
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	event := ""
	for lines.Scan() {
		if name, found := strings.CutPrefix(lines.Text(), "event: "); found {
			event = name
		}
		data, found := strings.CutPrefix(lines.Text(), "data: ")
		if !found || event != "report" {
			continue
		}
		var report struct {
			Findings []map[string]any `json:"findings"`
		}
		require.NoError(w, json.Unmarshal([]byte(data), &report))
		if ok(report.Findings) {
			return
		}
	}
	require.FailNow(w, "the events ended", "%v", lines.Err())
}

func find(findings []map[string]any, path string) map[string]any {
	for _, f := range findings {
		if f["path"] == path {
			return f
		}
	}
	return nil
}

// act posts an action with the right to act.
func (w *world) act(action, body string) (int, string) {
	w.Helper()
	response, text := w.ask("POST", "/api/"+action, body, func(r *http.Request) {
		bearer(actToken)(r)
		r.Header.Set("Content-Type", "application/json")
	})
	return response.StatusCode, text
}

func TestEventsFollowALock(t *testing.T) {
	w := newWorld(t)
	h, err := lock.NewMutex(w.sm, "/locks/a", lock.ID("ann")).Lock(t.Context())
	require.NoError(t, err)
	holder := func(id string) func([]map[string]any) bool {
		return func(findings []map[string]any) bool {
			f := find(findings, "/locks/a")
			holder, _ := f["holder"].(map[string]any)
			return f != nil && (id == "" && holder == nil || id != "" && holder["id"] == id)
		}
	}
	w.watch(holder("ann"))
	released := make(chan error, 1)
	go func() { released <- h.Release() }()
	w.watch(func(findings []map[string]any) bool {
		f := find(findings, "/locks/a")
		return f == nil || f["holder"] == nil
	})
	require.NoError(t, <-released)
}

// A viewer learns that the ensemble does not answer, and that it answers again.
// A viewer that joins in between also sees the last report.
func TestFault31_FeedTellsOfTrouble(t *testing.T) {
	w := newWorld(t, func(cfg *Config) {
		cfg.Options = append(cfg.Options, inspect.Pulse(10*time.Millisecond), inspect.Silence(50*time.Millisecond))
	})
	require.NoError(t, w.zk.Put("/k", []byte("1")))
	first := w.events()
	require.Equal(t, "waiting", first().name)
	until := func(next func() event, name string) event {
		t.Helper()
		for {
			if e := next(); e.name == name {
				return e
			}
		}
	}
	until(first, "report")
	confirmed := until(first, "confirmed")
	require.Contains(t, confirmed.data, `{"at":"`)

	back := make(chan struct{})
	remove := w.zk.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op == zktest.OpMulti {
			return zktest.Hold(back)
		}
		return zktest.Pass
	})
	require.Contains(t, until(first, "trouble").data, "no quorum")
	second := w.events()
	require.Equal(t, "report", second().name)
	require.Contains(t, until(second, "trouble").data, `"noQuorum":true`)
	remove()
	close(back)
	until(first, "report")
	until(second, "report")
	until(second, "confirmed")
}

func TestDrain(t *testing.T) {
	w := newWorld(t)
	_, err := naming.NewRegistry(w.sm).Register(t.Context(), naming.Instance{Service: "shop", ID: "shop-1", Address: "10.0.0.1", Port: 80})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		body string
		code int
	}{
		"no JSON":       {`x`, http.StatusBadRequest},
		"not confirmed": {`{"path":"/services/shop","id":"shop-1","layout":"curator","draining":true}`, http.StatusBadRequest},
		"other layout":  {`{"path":"/services/shop","id":"shop-1","confirm":"shop-1","layout":"dubbo","draining":true}`, http.StatusConflict},
		"not there":     {`{"path":"/services/shop","id":"shop-2","confirm":"shop-2","layout":"curator","draining":true}`, http.StatusConflict},
		"too large":     {`{"path":"` + strings.Repeat("x", maxRequest) + `"}`, http.StatusRequestEntityTooLarge},
		"two objects":   {`{"path":"/services/shop","id":"shop-1","confirm":"shop-1"} {}`, http.StatusBadRequest},
	} {
		code, text := w.act("drain", c.body)
		require.Equal(t, c.code, code, "%s: %s", name, text)
	}
	code, text := w.act("drain", `{"path":"/services/shop","id":"shop-1","confirm":"shop-1","layout":"curator","draining":true}`)
	require.Equal(t, http.StatusNoContent, code, text)
	w.watch(func(findings []map[string]any) bool {
		f := find(findings, "/services/shop")
		return f != nil && f["instances"].([]any)[0].(map[string]any)["draining"] == true
	})
	require.Contains(t, w.log.String(), "what=drain address=127.0.0.1 session=bearer role=act path=/services/shop id=shop-1 draining=true outcome=done")
}

func TestTransferToNobody(t *testing.T) {
	w := newWorld(t)
	code, text := w.act("transfer", `{"path":"/leaders/x","id":"ann","confirm":"ann"}`)
	require.Equal(t, http.StatusConflict, code)
	require.Contains(t, text, "no such candidate")
}

// An action leaves what is not an instance, and not an election of the page's.
func TestFault25_ActionsOnOtherRecipes(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.zk.Put("/config/app/limits", []byte(`{"qps":2}`)))
	require.NoError(t, w.zk.Put("/q/items/queue-0000000001", []byte("work")))
	_, err := lock.NewMutex(w.sm, "/lock", lock.ID("ann")).Lock(t.Context())
	require.NoError(t, err)
	before := make(map[string]zktest.NodeInfo)
	for _, path := range w.zk.Paths() {
		before[path], _ = w.zk.Node(path)
	}
	for body, reason := range map[string]string{
		`{"path":"/config/app","id":"limits","confirm":"limits","layout":"curator","draining":true}`:                  "it is not an instance",
		`{"path":"/config/app","id":"limits","confirm":"limits","layout":"spring","draining":true}`:                   "malformed",
		`{"path":"/q/items","id":"queue-0000000001","confirm":"queue-0000000001","layout":"curator","draining":true}`: "it is not JSON",
		`{"path":"/lock","id":"ann","confirm":"ann"}`:                                                                 "no such candidate",
	} {
		action := "transfer"
		if strings.Contains(body, "draining") {
			action = "drain"
		}
		code, text := w.act(action, body)
		require.Equal(t, http.StatusConflict, code, body)
		require.Contains(t, text, reason, body)
	}
	for path, was := range before {
		now, _ := w.zk.Node(path)
		require.Equal(t, was, now, path)
	}
}
