package httpbalance_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	neturl "net/url"
	"strings"
	"testing"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/naming/httpbalance"
)

// No host of a URL makes net/http look the name of a service up in DNS.
func FuzzHostNames(f *testing.F) {
	for _, host := range []string{
		"orders", "Orders.", "orders:80", "orders:8080", "orders:http", "ｏrders", "orders。", "ORDER\u017f", "[orders]:80", "orders%2e", "u@orders", "or\u00adders",
	} {
		f.Add(host)
	}
	var dialled string
	base := &http.Transport{DialContext: func(_ context.Context, _, addr string) (net.Conn, error) {
		dialled = addr
		return nil, errors.New("nothing is dialled here")
	}}
	rt := httpbalance.New(httpbalance.RoundTripper(base), httpbalance.Attempts(1),
		httpbalance.Service("orders", list(naming.Instance{ID: "a", Address: "192.0.2.1", Port: 80})))
	f.Fuzz(func(t *testing.T, host string) {
		dialled = ""
		req := &http.Request{Method: http.MethodGet, URL: &neturl.URL{Scheme: "http", Host: host, Path: "/"}, Header: http.Header{}}
		resp, err := rt.RoundTrip(req.WithContext(t.Context()))
		if err == nil {
			_ = resp.Body.Close()
			t.Fatal("a response from nowhere")
		}
		name, _, _ := strings.Cut(strings.ToLower(dialled), ":")
		if strings.Trim(name, ".[] ") == "orders" {
			t.Fatalf("%q is looked up as %q", host, dialled)
		}
	})
}
