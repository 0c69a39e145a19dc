package httpbalance_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testpki"
	"github.com/docent-go/docent/naming/httpbalance"
)

// HTTP/2 stays as it is: on if the RoundTripper has it, off if not.
func TestFault45_HTTP2(t *testing.T) {
	ca := testpki.New(t)
	b := startTLS(t, "good", ca.Issue("orders"))
	off := trusting(ca)
	off.ForceAttemptHTTP2 = false
	disabled := trusting(ca)
	disabled.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	var only http.Protocols
	only.SetHTTP1(true)
	set := trusting(ca)
	set.Protocols = &only
	implied := new(http.Transport) // with an empty TLSClientConfig, which is filled in below
	foreign := trusting(ca)
	foreign.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{"h2": func(string, *tls.Conn) http.RoundTripper {
		return failing{}
	}}
	foreign.TLSClientConfig.NextProtos = []string{"h2", "http/1.1"}
	for name, test := range map[string]struct {
		base *http.Transport
		want string
	}{
		"forced": {trusting(ca), "HTTP/2.0"}, "config without": {off, "HTTP/1.1"}, "no protocols": {disabled, "HTTP/1.1"},
		"protocols": {set, "HTTP/1.1"}, "implied": {implied, "HTTP/2.0"}, "of another package": {foreign, "HTTP/2.0"},
	} {
		c := client(t, list(b.Instance), httpbalance.RoundTripper(test.base), httpbalance.RoundTrippers(func(base *http.Transport) http.RoundTripper {
			base.TLSClientConfig.RootCAs = ca.Pool()
			return base
		}))
		got, err := send(t, c, http.MethodGet, "https://orders/", nil)
		require.NoError(t, err, name)
		require.Contains(t, got, test.want, name)
		c.CloseIdleConnections()
	}
}

type failing struct{}

func (failing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("the pool of another package is used")
}

// A RoundTripper that cannot be told the name gets no request with TLS. The
// error says what to do.
func TestFault45_OtherRoundTrippers(t *testing.T) {
	ca := testpki.New(t)
	b := startTLS(t, "good", ca.Issue("orders"))
	own := trusting(ca)
	own.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		return (&tls.Dialer{Config: own.TLSClientConfig}).DialContext(ctx, network, addr)
	}
	base := new(recorder)
	for _, rt := range []http.RoundTripper{base, own} {
		c := client(t, list(b.Instance), httpbalance.RoundTripper(rt))
		body := &closing{Reader: strings.NewReader("x")}
		_, err := send(t, c, http.MethodPost, "https://orders/", body)
		require.ErrorContains(t, err, "service orders cannot be called with https")
		require.ErrorContains(t, err, "httpbalance.RoundTrippers")
		require.True(t, body.closed.Load())
		ssl := b.Instance
		ssl.Port = 0
		_, err = send(t, client(t, list(ssl), httpbalance.RoundTripper(rt)), http.MethodGet, "http://orders/", nil)
		require.ErrorContains(t, err, "httpbalance.RoundTrippers")
	}
	require.Empty(t, base.url)
	require.Zero(t, b.seen.Load())

	plain := start(t, "plain")
	ssl := b.Instance
	ssl.Port = 0
	for range 4 { // an instance without TLS can be called
		_, err := send(t, client(t, list(ssl, plain.Instance), httpbalance.RoundTripper(base)), http.MethodPost, "http://orders/", nil)
		require.NoError(t, err)
	}
	require.Equal(t, "http://"+plain.HostPort(), base.url)
}

// RoundTrippers wraps the transport that verifies the name.
func TestFault45_RoundTrippers(t *testing.T) {
	ca := testpki.New(t)
	good, stranger := startTLS(t, "good", ca.Issue("orders")), startTLS(t, "stranger", ca.Issue("127.0.0.1"))
	var wrapped atomic.Int64
	wrap := httpbalance.RoundTrippers(func(base *http.Transport) http.RoundTripper {
		return roundTrip(func(req *http.Request) (*http.Response, error) {
			wrapped.Add(1)
			return base.RoundTrip(req)
		})
	})
	c := client(t, list(stranger.Instance, good.Instance), httpbalance.RoundTripper(trusting(ca)), wrap)
	for range 4 {
		got, err := send(t, c, http.MethodPost, "https://orders/", strings.NewReader("x"))
		require.NoError(t, err)
		require.Contains(t, got, "good")
	}
	require.Zero(t, stranger.seen.Load())
	require.Greater(t, wrapped.Load(), int64(3))

	for want, f := range map[string]func(base *http.Transport) http.RoundTripper{
		"returned nil": func(*http.Transport) http.RoundTripper { return nil },
		"removed the ServerName": func(base *http.Transport) http.RoundTripper {
			base.TLSClientConfig = &tls.Config{RootCAs: ca.Pool()}
			return base
		},
	} {
		c := client(t, list(good.Instance), httpbalance.RoundTrippers(f))
		_, err := send(t, c, http.MethodGet, "https://orders/", nil)
		require.ErrorContains(t, err, want)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
