package httpbalance_test

import (
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

// An instance that breaks connections has no calls under way, and yet it does
// not get every call: retries go to others, and so do the next calls.
func TestFault26_LeastPendingAvoidsWhatFails(t *testing.T) {
	for _, strategy := range []naming.Strategy{
		naming.LeastPending(), naming.Hash(), naming.Sticky(naming.LeastPending()), naming.RoundRobin(), naming.Weighted(),
	} {
		t.Run(strategy.String(), func(t *testing.T) {
			a, b, d := start(t, "a"), start(t, "b"), start(t, "d")
			a.answer(hangUp)
			a.Instance.Weight = 10
			c := client(t, list(a.Instance, b.Instance, d.Instance), httpbalance.Strategy(strategy), httpbalance.DownAfter(1000, time.Hour, time.Hour))
			for range 200 {
				get(t, c)
			}
			if strategy.String() == naming.LeastPending().String() {
				require.Less(t, a.calls.Load(), int64(20))
				failed := 0
				for range 200 { // which is not repeated
					resp, err := c.Post("http://orders/", "text/plain", strings.NewReader("x"))
					if err != nil {
						failed++
						continue
					}
					read(t, resp)
				}
				require.Less(t, failed, 20)
			}
		})
	}
}

// The same with many calls at once, so that the others are busy.
func TestFault26_LeastPendingUnderLoad(t *testing.T) {
	a, b, d := start(t, "a"), start(t, "b"), start(t, "d")
	a.answer(hangUp)
	c := client(t, list(a.Instance, b.Instance, d.Instance), httpbalance.Strategy(naming.LeastPending()), httpbalance.DownAfter(1000, time.Hour, time.Hour))
	var work sync.WaitGroup
	var failed atomic.Int64
	for range 20 {
		work.Go(func() {
			for range 10 {
				resp, err := c.Get("http://orders/")
				if err != nil {
					failed.Add(1)
					continue
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		})
	}
	work.Wait()
	require.Zero(t, failed.Load())
}

// The address of an instance is written with one pair of brackets, whether it
// is registered with brackets or without.
func TestFault26_IPv6(t *testing.T) {
	for address, want := range map[string]string{
		"::1": "[::1]:80", "[::1]": "[::1]:80", "fe80::1%eth0": "[fe80::1%eth0]:80", "10.0.0.1": "10.0.0.1:80", "h": "h:80",
	} {
		require.Equal(t, "http://"+want, sent(t, naming.Instance{ID: "a", Address: address, Port: 80}, "http"))
		require.Equal(t, "http://"+strings.TrimSuffix(want, ":80"), sent(t, naming.Instance{ID: "a", Address: address}, "http"))
	}
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6")
	}
	srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "six")
	})}}
	srv.Start()
	t.Cleanup(srv.Close)
	in := at(t, "a", l.Addr())
	in.Address = "[" + in.Address + "]"
	require.Equal(t, "six", get(t, client(t, list(in))))
}

// An instance with an SSL port alone is called with https, never in plain text.
func TestFault26_SSLPortOnly(t *testing.T) {
	in := naming.Instance{ID: "a", Address: "::1", SSLPort: 443}
	require.Equal(t, "https://[::1]:443", sent(t, in, "http"))
	require.Equal(t, "https://[::1]:443", sent(t, in, "https"))
	in.Port = 80
	require.Equal(t, "http://[::1]:80", sent(t, in, "http"))
	require.Equal(t, "https://[::1]:443", sent(t, in, "https"))
	in.SSLPort = 0
	require.Equal(t, "https://[::1]:80", sent(t, in, "https"))

	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.TLS != nil) }))
	t.Cleanup(srv.Close)
	tls := at(t, "a", srv.Listener.Addr())
	tls.Port, tls.SSLPort = 0, tls.Port
	require.Equal(t, "true", get(t, client(t, list(tls), httpbalance.RoundTripper(srv.Client().Transport),
		httpbalance.Service("orders", list(tls), httpbalance.ServerName("example.com")))))
}

type recorder struct{ url string }

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.url = req.URL.Scheme + "://" + req.URL.Host
	return &http.Response{StatusCode: 200, Body: http.NoBody, Request: req}, nil
}

// sent is where a request to the instance goes.
func sent(t *testing.T, in naming.Instance, scheme string) string {
	base := new(recorder)
	c := &http.Client{Transport: httpbalance.New(httpbalance.Service("orders", list(in)),
		httpbalance.RoundTrippers(func(*http.Transport) http.RoundTripper { return base }))}
	resp, err := c.Get(scheme + "://orders/")
	require.NoError(t, err)
	read(t, resp)
	return base.url
}
