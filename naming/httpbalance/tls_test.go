package httpbalance_test

import (
	"context"
	"crypto/tls"
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

	"github.com/docent-go/docent/internal/testing/testpki"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/naming/httpbalance"
)

// secureBackend is an instance with TLS. It records each request that reaches
// it, and each byte outside of TLS.
type secureBackend struct {
	naming.Instance
	then  atomic.Pointer[http.HandlerFunc]
	seen  atomic.Int64 // requests
	plain atomic.Int64 // connections that do not begin with a TLS record
	conns atomic.Int64
}

// startTLS starts an instance. It listens at its address and port.
func startTLS(t *testing.T, id string, cert tls.Certificate, change ...func(*tls.Config)) *secureBackend {
	b := new(secureBackend)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.seen.Add(1)
		if then := b.then.Load(); then != nil {
			(*then)(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "%s %s %s %s", id, r.Proto, r.Host, r.Header.Get("Authorization"))
	}))
	srv.EnableHTTP2 = true
	srv.Config.ErrorLog = quiet()
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	for _, f := range change {
		f(srv.TLS)
	}
	srv.Listener = &sniffing{Listener: srv.Listener, b: b}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	b.Instance = at(t, id, srv.Listener.Addr())
	b.SSLPort = b.Port
	return b
}

func (b *secureBackend) answer(f http.HandlerFunc) { b.then.Store(&f) }

// sniffing looks at the first byte of each connection.
type sniffing struct {
	net.Listener
	b *secureBackend
}

func (s *sniffing) Accept() (net.Conn, error) {
	conn, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	s.b.conns.Add(1)
	return &sniffed{Conn: conn, b: s.b}, nil
}

type sniffed struct {
	net.Conn
	b    *secureBackend
	once sync.Once
}

func (s *sniffed) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	if n > 0 {
		s.once.Do(func() {
			if p[0] != 0x16 { // a TLS handshake
				s.b.plain.Add(1)
			}
		})
	}
	return n, err
}

// trusting is a RoundTripper that trusts an authority, as a program has it.
func trusting(ca *testpki.Authority) *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool()}, ForceAttemptHTTP2: true}
}

func send(t *testing.T, c *http.Client, method, url string, body io.Reader) (string, error) {
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer secret")
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	return read(t, resp), nil
}

// A stranger has a valid certificate for a name of its own, and registers under
// that name. It gets no byte of a request, whatever the method, and other
// instances are tried.
func TestFault45_StrangerGetsNothing(t *testing.T) {
	ca := testpki.New(t)
	good, stranger := startTLS(t, "good", ca.Issue("orders")), startTLS(t, "stranger", ca.Issue("evil.example"))
	stranger.Address = "evil.example"
	base := trusting(ca)
	base.DialContext = toLoopback
	c := client(t, list(stranger.Instance), httpbalance.RoundTripper(base))
	_, err := send(t, c, http.MethodGet, "https://orders/", nil)
	var other *tls.CertificateVerificationError
	require.ErrorAs(t, err, &other)
	require.ErrorContains(t, err, "is valid for evil.example, not orders")
	require.ErrorContains(t, err, "httpbalance.ServerName")

	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch} {
		for _, strategy := range []naming.Strategy{naming.RoundRobin(), naming.LeastPending(), naming.Hash()} {
			c := client(t, list(stranger.Instance, good.Instance), httpbalance.RoundTripper(base), httpbalance.Strategy(strategy))
			for range 6 {
				got, err := send(t, c, method, "https://orders/", strings.NewReader("the body"))
				require.NoError(t, err)
				require.Equal(t, "good HTTP/2.0 orders Bearer secret", got)
			}
			c.CloseIdleConnections()
		}
	}
	require.Zero(t, stranger.seen.Load())
	require.Zero(t, stranger.plain.Load())
}

// toLoopback dials what is a name at 127.0.0.1.
func toLoopback(ctx context.Context, network, addr string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
}

// An instance with an SSL port alone is verified for http URLs too.
func TestFault45_SSLPortOnly(t *testing.T) {
	ca := testpki.New(t)
	good, stranger := startTLS(t, "good", ca.Issue("orders")), startTLS(t, "stranger", ca.Issue("127.0.0.1", "evil.example"))
	good.Port, stranger.Port = 0, 0
	c := client(t, list(good.Instance, stranger.Instance), httpbalance.RoundTripper(trusting(ca)))
	for range 6 {
		got, err := send(t, c, http.MethodPost, "http://orders/", strings.NewReader("x"))
		require.NoError(t, err)
		require.Equal(t, "good HTTP/2.0 orders Bearer secret", got)
	}
	require.Zero(t, stranger.seen.Load())
}

// The name to verify is the option's, the TLSClientConfig's or the service's, in
// this order. It is never the address in the registry.
func TestFault45_ServerName(t *testing.T) {
	ca := testpki.New(t)
	for _, test := range []struct {
		config, option, cert, want string
	}{
		{cert: "orders", want: "good"},
		{cert: "127.0.0.1", want: "cannot validate|valid for|doesn't contain"},
		{cert: "orders.internal", want: "not orders"},
		{config: "fleet.internal", cert: "fleet.internal", want: "good"},
		{config: "fleet.internal", cert: "orders", want: "not fleet.internal"},
		{option: "orders.internal", cert: "orders.internal", want: "good"},
		{option: "orders.internal", cert: "orders", want: "not orders.internal"},
		{option: "10.9.8.7", cert: "10.9.8.7", want: "good"},
		{config: "fleet.internal", option: "orders.internal", cert: "orders.internal", want: "good"},
		{config: "fleet.internal", option: "orders.internal", cert: "fleet.internal", want: "not orders.internal"},
	} {
		b := startTLS(t, "good", ca.Issue(test.cert))
		base := trusting(ca)
		base.TLSClientConfig.ServerName = test.config
		var opts []httpbalance.ServiceOption
		if test.option != "" {
			opts = append(opts, httpbalance.ServerName(test.option))
		}
		c := client(t, list(), httpbalance.RoundTripper(base), httpbalance.Service("orders", list(b.Instance), opts...))
		got, err := send(t, c, http.MethodGet, "https://orders/", nil)
		if test.want == "good" {
			require.NoError(t, err, "%+v", test)
			require.Contains(t, got, "good", "%+v", test)
		} else {
			require.Regexp(t, test.want, err.Error(), "%+v", test)
			require.Zero(t, b.seen.Load())
		}
		require.Equal(t, test.config, base.TLSClientConfig.ServerName, "the program's own transport is not changed")
		c.CloseIdleConnections()
	}
}

// Two services at one address are verified each for its own name, and share no
// connection.
func TestFault45_ConnectionsAreOfOneService(t *testing.T) {
	ca := testpki.New(t)
	b := startTLS(t, "good", ca.Issue("orders"))
	base := trusting(ca)
	c := client(t, list(b.Instance), httpbalance.RoundTripper(base), httpbalance.Service("billing", list(b.Instance)))
	for range 5 {
		_, err := send(t, c, http.MethodGet, "https://orders/", nil)
		require.NoError(t, err)
	}
	require.EqualValues(t, 1, b.conns.Load(), "the connection is kept")
	_, err := send(t, c, http.MethodGet, "https://billing/", nil)
	require.ErrorContains(t, err, "not billing")
	require.EqualValues(t, 5, b.seen.Load())
}

// An https request is never sent in plain text: not to an instance that has
// only a port without TLS, and not after a redirect.
func TestFault45_NeverPlain(t *testing.T) {
	ca := testpki.New(t)
	b, bare := startTLS(t, "good", ca.Issue("orders")), start(t, "bare")
	bare.srv.Config.ErrorLog = quiet()
	c := client(t, list(bare.Instance, b.Instance), httpbalance.RoundTripper(trusting(ca)))
	for range 4 {
		got, err := send(t, c, http.MethodPost, "https://orders/", strings.NewReader("x"))
		require.NoError(t, err)
		require.Contains(t, got, "good")
	}
	require.Zero(t, bare.calls.Load())

	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect} {
		for _, to := range []string{"http://orders/x", "http://ORDERS:80/x", bare.srv.URL + "/x", "http://plain/x"} {
			b.answer(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, status) })
			c := client(t, list(b.Instance), httpbalance.RoundTripper(trusting(ca)), httpbalance.Service("plain", list(bare.Instance)))
			_, err := send(t, c, http.MethodPost, "https://orders/", strings.NewReader("x"))
			require.ErrorContains(t, err, "from https to http", to)
			c.CloseIdleConnections()
		}
	}
	other := startTLS(t, "other", ca.Issue("127.0.0.1"))
	other.answer(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "http://plain/x", http.StatusFound) })
	c = client(t, list(), httpbalance.RoundTripper(trusting(ca)), httpbalance.Service("plain", list(bare.Instance)))
	_, err := send(t, c, http.MethodGet, "https://"+other.HostPort(), nil)
	require.ErrorContains(t, err, "from https to http", "to a service")
	require.Zero(t, bare.calls.Load())
	require.Zero(t, b.plain.Load())
}

// A redirect to another path, or to another service, is verified as the first
// request is.
func TestFault45_Redirects(t *testing.T) {
	ca := testpki.New(t)
	a, b := startTLS(t, "a", ca.Issue("orders")), startTLS(t, "b", ca.Issue("billing"))
	stranger := startTLS(t, "stranger", ca.Issue("127.0.0.1", "evil.example"))
	a.answer(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "https://billing/", http.StatusTemporaryRedirect)
			return
		}
		http.Redirect(w, r, "/away", http.StatusTemporaryRedirect)
	})
	c := client(t, list(stranger.Instance, a.Instance), httpbalance.RoundTripper(trusting(ca)),
		httpbalance.Service("billing", list(stranger.Instance, b.Instance)))
	for range 3 {
		got, err := send(t, c, http.MethodPost, "https://orders/", strings.NewReader("x"))
		require.NoError(t, err)
		require.Equal(t, "b HTTP/2.0 billing ", got, "net/http takes the header away")
	}
	require.Zero(t, stranger.seen.Load())

	// To an instance with TLS alone, http leads to https and may come back.
	ssl := a.Instance
	ssl.Port = 0
	a.answer(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/new" {
			http.Redirect(w, r, "http://orders/new", http.StatusFound)
		}
	})
	_, err := send(t, client(t, list(ssl), httpbalance.RoundTripper(trusting(ca))), http.MethodGet, "http://orders/", nil)
	require.NoError(t, err)
}

// Plain requests do not use a proxy, which would look the service up in DNS.
// Requests with TLS use it, and are verified.
func TestFault45_Proxy(t *testing.T) {
	ca := testpki.New(t)
	good, stranger, bare := startTLS(t, "good", ca.Issue("orders")), startTLS(t, "stranger", ca.Issue("127.0.0.1")), start(t, "bare")
	var tunnels, others atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			others.Add(1)
			return
		}
		tunnels.Add(1)
		tunnel(w, r)
	}))
	defer proxy.Close()
	base := trusting(ca)
	base.Proxy = func(*http.Request) (*url, error) { return parse(proxy.URL) }
	c := client(t, list(stranger.Instance, good.Instance), httpbalance.RoundTripper(base), httpbalance.Service("pages", list(bare.Instance)))
	for range 3 {
		got, err := send(t, c, http.MethodPost, "https://orders/", strings.NewReader("x"))
		require.NoError(t, err)
		require.Contains(t, got, "good")
	}
	got, err := send(t, c, http.MethodGet, "http://pages/", nil)
	require.NoError(t, err)
	require.Contains(t, got, "bare")
	require.Positive(t, tunnels.Load())
	require.Zero(t, others.Load())
	require.Zero(t, stranger.seen.Load())
}

// A proxy that is called with TLS is verified for the name of the service. It
// gets no request, and the error does not advise to change the name.
func TestProxyWithTLS(t *testing.T) {
	ca := testpki.New(t)
	good := startTLS(t, "good", ca.Issue("orders"))
	var calls atomic.Int64
	proxy := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	proxy.Config.ErrorLog = quiet()
	proxy.TLS = &tls.Config{Certificates: []tls.Certificate{ca.Issue("127.0.0.1")}}
	proxy.StartTLS()
	defer proxy.Close()
	base := trusting(ca)
	base.Proxy = func(*http.Request) (*url, error) { return parse(proxy.URL) }
	_, err := send(t, client(t, list(good.Instance), httpbalance.RoundTripper(base)), http.MethodGet, "https://orders/", nil)
	require.ErrorContains(t, err, "a proxy with an https URL is verified for the name of the service; give a proxy with an http URL")
	require.NotContains(t, err.Error(), "ServerName")
	require.Zero(t, calls.Load())
	require.Zero(t, good.conns.Load())
}

// The check at dial time sees what names resolve to.
func TestFault45_AddressRules(t *testing.T) {
	bare := start(t, "bare")
	var rules naming.AddressRules
	byName := bare.Instance
	byName.Address = "localhost"
	c := client(t, list(bare.Instance, byName), httpbalance.RoundTripper(&http.Transport{
		DialContext: (&net.Dialer{Control: rules.Control, Timeout: time.Minute}).DialContext,
	}))
	_, err := send(t, c, http.MethodPost, "http://orders/", strings.NewReader("x"))
	require.ErrorIs(t, err, naming.ErrAddress)
	require.Zero(t, bare.calls.Load())
}
