package httpbalance_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/naming/httpbalance"
)

// noDNS is a RoundTripper that reaches IP addresses alone.
func noDNS() *http.Transport {
	return &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(addr)
		if err == nil && net.ParseIP(host) == nil {
			err = errors.New("DNS is asked for " + host)
		}
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
}

// All spellings of a service's host reach the service.
func TestFault45_HostNames(t *testing.T) {
	a := start(t, "a")
	c := client(t, list(a.Instance), httpbalance.RoundTripper(noDNS()), httpbalance.Service("pay.example", list(a.Instance)))
	for _, host := range []string{
		"orders", "Orders", "ORDERS", "orders.", "Orders.", "orders:80", "orders:", "ORDERS.:80", "pay.example", "Pay.Example.:80",
	} {
		resp, err := c.Get("http://" + host + "/")
		require.NoError(t, err, host)
		require.Equal(t, "a GET / ", read(t, resp), host)
	}
	seen := ""
	s := &http.Client{Transport: httpbalance.New(httpbalance.Service("orders", list(a.Instance)), httpbalance.RoundTrippers(
		func(*http.Transport) http.RoundTripper {
			return roundTrip(func(req *http.Request) (*http.Response, error) {
				seen = req.URL.Host
				return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
			})
		}))}
	for _, host := range []string{"orders:443", "Orders", "orders.:443", "orders:"} {
		seen = ""
		resp, err := s.Get("https://" + host + "/")
		require.NoError(t, err, host)
		read(t, resp)
		require.Equal(t, a.HostPort(), seen, host)
	}
}

// A port for a service is an error that names the port. Hosts that net/http
// reads as a service are errors too, and do not go to DNS.
func TestFault45_HostNames_Rejected(t *testing.T) {
	a := start(t, "a")
	c := client(t, list(a.Instance), httpbalance.RoundTripper(noDNS()))
	for url, reason := range map[string]string{
		"http://orders:8080/":   "write http://orders/",
		"http://Orders.:8080/":  "write http://orders/",
		"http://orders:443/":    "write http://orders/",
		"https://orders:80/":    "write https://orders/",
		"http://orders:080/":    "write http://orders/",
		"http://ｏrders/":        "not in ASCII",
		"http://orders\u3002/":  "not in ASCII",
		"http://bücher.example": "begins with xn--",
		"ftp://orders/":         "write http or https",
		"ws://Orders/":          "write http or https",
	} {
		_, err := c.Get(url)
		require.ErrorContains(t, err, reason, url)
	}
	for _, host := range []string{"orders:http", "orders:80:80", "orders:0x50"} { // which url.Parse rejects
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://orders/", strings.NewReader("x"))
		require.NoError(t, err)
		body := &closing{Reader: strings.NewReader("x")}
		req.URL.Host, req.Body = host, body
		_, err = c.Transport.RoundTrip(req)
		require.ErrorContains(t, err, "write http://orders/", host)
		require.True(t, body.closed.Load())
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://orders/", nil)
	require.NoError(t, err)
	req.URL.Host = "[orders]:80" // which net/http dials as orders:80
	_, err = c.Transport.RoundTrip(req)
	require.ErrorContains(t, err, "has brackets")
	_, err = c.Get("http://orders.example/")
	require.ErrorContains(t, err, "DNS is asked for orders.example", "another host goes where it says")
	require.Zero(t, a.calls.Load())
}

// A service has one name: another spelling of it is an error.
func TestFault45_ServiceNames(t *testing.T) {
	a := start(t, "a")
	for name, reason := range map[string]string{
		"Orders": `write "orders"`, "orders.": `write "orders"`, "orders:80": `write "orders"`, "Orders:8080": `write "orders"`,
		"": "is empty", "a/b": "character", "http://orders": "character", "bücher": "character", "-x": "not a DNS name", "::1": "character",
	} {
		c := client(t, list(), httpbalance.Service(name, list(a.Instance)))
		_, err := c.Get("http://orders/")
		require.ErrorContains(t, err, "httpbalance: service "+name+": ", name)
		require.ErrorContains(t, err, reason, name)
	}
	for _, name := range []string{"", "orders.internal:443", "a b", "*.internal"} {
		_, err := client(t, list(), httpbalance.Service("pay", list(a.Instance), httpbalance.ServerName(name))).Get("http://pay/")
		require.ErrorContains(t, err, "is not a DNS name or an IP address", name)
	}
}

// OnlyServices rejects what is not a service, redirects included.
func TestFault45_OnlyServices(t *testing.T) {
	a, other := start(t, "a"), start(t, "other")
	c := client(t, list(a.Instance), httpbalance.OnlyServices())
	for _, url := range []string{other.srv.URL, "http://orders.example/", "http://[::1]:80/", "https://example.com/"} {
		body := &closing{Reader: strings.NewReader("x")}
		_, err := c.Post(url, "text/plain", body)
		require.ErrorContains(t, err, "is not a service")
		require.ErrorContains(t, err, "OnlyServices")
		require.True(t, body.closed.Load())
	}
	require.Equal(t, "a GET /v1/17 ", get(t, c))
	a.answer(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.srv.URL, http.StatusFound) })
	_, err := c.Get("http://orders/")
	require.ErrorContains(t, err, `the host "`+other.srv.Listener.Addr().String()+`" is not a service`)
	require.Zero(t, other.calls.Load())
}

// The registry does not choose the Host that a server sees.
func TestFault45_HeaderHost(t *testing.T) {
	a := start(t, "a")
	a.answer(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.Host)) })
	c := client(t, list(a.Instance))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://orders/", nil)
	require.NoError(t, err)
	req.Host = ""
	resp, err := c.Transport.RoundTrip(req)
	require.NoError(t, err)
	require.Equal(t, "orders", read(t, resp))
}

// An instance whose address cannot be called is passed over by every Balancer.
func TestFault29_UnusableAddresses(t *testing.T) {
	a := start(t, "a")
	bad := []naming.Instance{{ID: "x", Address: "http://h", Port: 1}, {ID: "y", Port: a.Port}, {ID: "z", Address: "u@127.0.0.1", Port: a.Port}}
	c := client(t, unchecked{list(append(bad, a.Instance)...)}, httpbalance.Attempts(4))
	for range 8 {
		resp, err := c.Post("http://orders/", "text/plain", strings.NewReader("x"))
		require.NoError(t, err)
		require.Equal(t, "a POST / x", read(t, resp))
	}
	_, err := client(t, unchecked{list(bad...)}).Get("http://orders/")
	require.ErrorIs(t, err, naming.ErrAddress)
}

// unchecked has a Balancer that picks anything.
type unchecked struct{ *naming.List[naming.Instance] }

func (u unchecked) Balancer(s naming.Strategy, opts ...naming.BalancerOption) (*naming.Balancer[naming.Instance], error) {
	return naming.NewBalancerOf(u.List, func(in *naming.Instance) string { return in.ID }, s, opts...), nil
}
