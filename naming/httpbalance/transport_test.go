package httpbalance_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/naming/httpbalance"
)

// backend is an instance that answers with its id, unless it is told otherwise.
type backend struct {
	naming.Instance
	srv   *httptest.Server
	calls atomic.Int64
	then  atomic.Pointer[http.HandlerFunc]
}

func start(t *testing.T, id string) *backend {
	b := new(backend)
	b.srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.calls.Add(1)
		if then := b.then.Load(); then != nil {
			(*then)(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, "%s %s %s %s", id, r.Method, r.URL.Path, body)
	}))
	t.Cleanup(b.srv.Close)
	b.Instance = at(t, id, b.srv.Listener.Addr())
	return b
}

func (b *backend) answer(f http.HandlerFunc) { b.then.Store(&f) }

func at(t *testing.T, id string, addr net.Addr) naming.Instance {
	tcp, ok := addr.(*net.TCPAddr)
	require.True(t, ok)
	return naming.Instance{Service: "orders", ID: id, Address: tcp.IP.String(), Port: tcp.Port}
}

// gone is an instance at an address that refuses connections.
func gone(t *testing.T, id string) naming.Instance {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return at(t, id, l.Addr())
}

func list(all ...naming.Instance) *naming.List[naming.Instance] { return naming.NewList(all...) }

// client sends by a Transport of its own connections.
func client(t *testing.T, source naming.Source[naming.Instance], opts ...httpbalance.Option) *http.Client {
	c := &http.Client{Transport: httpbalance.New(append([]httpbalance.Option{
		httpbalance.RoundTripper(new(http.Transport)), httpbalance.Service("orders", source),
		httpbalance.DownAfter(3, time.Hour, time.Hour),
	}, opts...)...)}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func get(t *testing.T, c *http.Client) string {
	resp, err := c.Get("http://orders/v1/17")
	require.NoError(t, err)
	return read(t, resp)
}

func read(t *testing.T, resp *http.Response) string {
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return string(body)
}

func TestRoundRobin(t *testing.T) {
	a, b := start(t, "a"), start(t, "b")
	c := client(t, list(a.Instance, b.Instance))
	first := get(t, c)
	require.Contains(t, []string{"a GET /v1/17 ", "b GET /v1/17 "}, first)
	for range 5 {
		require.NotEqual(t, first, get(t, c))
		require.Equal(t, first, get(t, c))
	}
	resp, err := c.Get("http://orders/")
	require.NoError(t, err)
	who := map[string]string{a.srv.Listener.Addr().String(): "a", b.srv.Listener.Addr().String(): "b"}
	require.Equal(t, who[resp.Request.URL.Host]+" GET / ", read(t, resp), "it says who has answered")
}

// Hosts that are no service go where they say.
func TestOtherHosts(t *testing.T) {
	a, b := start(t, "a"), start(t, "b")
	c := client(t, list(a.Instance))
	resp, err := c.Get(b.srv.URL)
	require.NoError(t, err)
	require.Equal(t, "b GET / ", read(t, resp))
}

func TestHeaderHost(t *testing.T) {
	a := start(t, "a")
	a.answer(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Host) })
	c := client(t, list(a.Instance))
	require.Equal(t, "orders", get(t, c))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://orders/", nil)
	require.NoError(t, err)
	before := req.Clone(t.Context())
	resp, err := c.Transport.RoundTrip(req)
	require.NoError(t, err)
	read(t, resp)
	require.Equal(t, before.URL, req.URL, "the request is not changed")
}

// A relative redirect leads to the service, and not to the instance.
func TestRedirect(t *testing.T) {
	a, b := start(t, "a"), start(t, "b")
	paths := make(chan string, 2)
	for _, in := range []*backend{a, b} {
		in.answer(func(w http.ResponseWriter, r *http.Request) {
			paths <- in.ID + r.URL.Path
			if r.URL.Path != "/new" {
				http.Redirect(w, r, "/new", http.StatusFound)
			}
		})
	}
	get(t, client(t, list(a.Instance, b.Instance)))
	first, second := <-paths, <-paths
	require.Contains(t, []string{"a/v1/17 b/new", "b/v1/17 a/new"}, first+" "+second)
}

func TestDrainingIsNeverPicked(t *testing.T) {
	a, b, drained := start(t, "a"), start(t, "b"), start(t, "c")
	source := list(a.Instance, b.Instance, drained.Instance)
	c := client(t, source)
	for range 6 {
		get(t, c)
	}
	require.EqualValues(t, 2, drained.calls.Load())
	drained.Draining = true
	source.Set([]naming.Instance{a.Instance, b.Instance, drained.Instance})
	a.srv.Close()
	for range 20 {
		get(t, c)
	}
	require.EqualValues(t, 2, drained.calls.Load())
	b.srv.Close()
	_, err := c.Get("http://orders/")
	require.Error(t, err)
	require.EqualValues(t, 2, drained.calls.Load(), "not even when no other instance is left")
}

func TestNoInstance(t *testing.T) {
	drained := start(t, "a")
	drained.Draining = true
	c := client(t, list(drained.Instance))
	body := &closing{Reader: strings.NewReader("data")}
	_, err := c.Post("http://orders/", "text/plain", body)
	require.ErrorIs(t, err, naming.ErrNoInstance)
	require.ErrorContains(t, err, "service orders")
	require.True(t, body.closed.Load())
}

type closing struct {
	io.Reader
	closed atomic.Bool
}

func (c *closing) Close() error {
	c.closed.Store(true)
	return nil
}

// An instance that refuses connections costs no request, and is tried once.
func TestConnectErrors(t *testing.T) {
	dead, b := gone(t, "a"), start(t, "b")
	for method, body := range map[string]io.Reader{
		http.MethodGet: nil, http.MethodPost: strings.NewReader("data"), http.MethodPatch: strings.NewReader("more"),
	} {
		dials := new(counting)
		c := client(t, list(dead, b.Instance), httpbalance.RoundTripper(&http.Transport{DialContext: dials.DialContext}))
		want := "b " + method + " / "
		if body != nil {
			want += map[string]string{http.MethodPost: "data", http.MethodPatch: "more"}[method]
		}
		req, err := http.NewRequestWithContext(t.Context(), method, "http://orders/", body)
		require.NoError(t, err)
		resp, err := c.Do(req)
		require.NoError(t, err)
		require.Equal(t, want, read(t, resp))
		for range 5 {
			require.Equal(t, "b GET /v1/17 ", get(t, c))
		}
		require.Equal(t, 1, dials.to(dead.HostPort()), "it is passed over from then on")
		c.CloseIdleConnections()
	}
}

// counting dials, and counts how often to each address.
type counting struct {
	mu  sync.Mutex
	all map[string]int
}

func (c *counting) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	c.mu.Lock()
	if c.all == nil {
		c.all = make(map[string]int)
	}
	c.all[addr]++
	c.mu.Unlock()
	return new(net.Dialer).DialContext(ctx, network, addr)
}

func (c *counting) to(addr string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all[addr]
}

// Answers that say that an instance is unwell count, and end its turn.
func TestFailuresMarkDown(t *testing.T) {
	for _, status := range []int{http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusInternalServerError} {
		a, b := start(t, "a"), start(t, "b")
		a.answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		c := client(t, list(a.Instance, b.Instance))
		for range 20 {
			get(t, c)
		}
		want := int64(3)
		if status == http.StatusInternalServerError {
			want = 10 // that is the request's own
		}
		require.Equal(t, want, a.calls.Load(), "status %d", status)
		c.CloseIdleConnections()
	}
}

// A body that breaks off counts as a failure; a body that the caller closes
// early does not.
func TestBodies(t *testing.T) {
	a, b := start(t, "a"), start(t, "b")
	a.answer(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("half"))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	c := client(t, list(a.Instance, b.Instance))
	for range 20 {
		resp, err := c.Get("http://orders/")
		require.NoError(t, err)
		_, err = io.ReadAll(resp.Body)
		require.Equal(t, resp.ContentLength == 100, errors.Is(err, io.ErrUnexpectedEOF))
		require.NoError(t, resp.Body.Close())
	}
	require.EqualValues(t, 3, a.calls.Load())
	for range 20 {
		resp, err := c.Get("http://orders/")
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	}
	require.EqualValues(t, 37, b.calls.Load())
}

// A call lasts until its body has been read: that is what LeastPending goes by.
func TestPending(t *testing.T) {
	a, b := start(t, "a"), start(t, "b")
	c := client(t, list(a.Instance, b.Instance), httpbalance.Strategy(naming.LeastPending()))
	first, err := c.Get("http://orders/")
	require.NoError(t, err)
	id := make([]byte, 1)
	_, err = io.ReadFull(first.Body, id)
	require.NoError(t, err)
	busy := string(id)
	for range 10 {
		require.NotEqual(t, busy, strings.Fields(get(t, c))[0])
	}
	require.NoError(t, first.Body.Close())
	seen := make(map[string]bool)
	for range 200 {
		seen[strings.Fields(get(t, c))[0]] = true
	}
	require.Len(t, seen, 2, "it is free again")
}

// A caller that goes away says nothing about the instance.
func TestCancel(t *testing.T) {
	a, b := start(t, "a"), start(t, "b")
	c := client(t, list(a.Instance, b.Instance))
	for range 10 {
		ctx, cancel := context.WithCancel(t.Context())
		a.answer(func(http.ResponseWriter, *http.Request) { cancel() })
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://orders/", nil)
		require.NoError(t, err)
		if resp, err := c.Do(req); err == nil { // the answer was as fast
			read(t, resp)
		} else {
			require.ErrorIs(t, err, context.Canceled)
		}
		cancel()
		get(t, c)
	}
	require.EqualValues(t, 10, a.calls.Load())
	require.EqualValues(t, 10, b.calls.Load(), "nothing is tried again")
}
