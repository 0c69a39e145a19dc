package httpbalance

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/docent-go/docent/internal/base/hostport"
	"github.com/docent-go/docent/naming"
)

// service is one service of a Transport.
type service struct {
	name       string
	source     naming.Source[naming.Instance]
	serverName *string // as in ServerName; nil without
	balancer   *naming.Balancer[naming.Instance]

	next       http.RoundTripper // sends to the instances
	base       *http.Transport   // the connections of next; nil if next has its own
	unverified error             // why next cannot verify a name; nil if it can
}

// secure sets the RoundTripper of a service. The name that it verifies is never
// taken from the registry.
func (t *Transport) secure(s *service) error {
	if s.serverName != nil && !serverName(*s.serverName) {
		return fmt.Errorf("ServerName(%q) is not a DNS name or an IP address: a certificate cannot be valid for it", *s.serverName)
	}
	of, ok := t.next.(*http.Transport)
	if !ok && t.wrap == nil {
		s.next = t.next
		s.unverified = fmt.Errorf("a %T cannot be told that it has to verify the name of the service: "+
			"make it with httpbalance.RoundTrippers, or give an *http.Transport to httpbalance.RoundTripper", t.next)
		return nil
	}
	if !ok {
		of = defaultTransport()
	}
	if t.wrap == nil && dialsTLS(of) {
		s.unverified = errors.New("the DialTLS or DialTLSContext of the *http.Transport decides which name is verified: " +
			"set it with httpbalance.RoundTrippers instead")
	}
	s.base = clone(of)
	verified := s.base.TLSClientConfig
	switch {
	case s.serverName != nil:
		verified.ServerName = *s.serverName
	case verified.ServerName == "":
		verified.ServerName = s.name
	}
	s.next = s.base
	if t.wrap == nil {
		return nil
	}
	if s.next = t.wrap(s.base); s.next == nil {
		return errors.New("the function of RoundTrippers has returned nil: return base if there is nothing to wrap")
	}
	if c := s.base.TLSClientConfig; !dialsTLS(s.base) && (c == nil || c.ServerName == "") {
		return errors.New("the function of RoundTrippers has removed the ServerName: " +
			"add to base.TLSClientConfig, and do not replace it")
	}
	return nil
}

// serverName reports whether a certificate can be valid for a name.
func serverName(name string) bool { return net.ParseIP(name) != nil || hostport.CheckHost(name) == nil }

// dialsTLS reports whether a function makes the TLS connections.
func dialsTLS(of *http.Transport) bool {
	//lint:ignore SA1019 programs still set it
	return of.DialTLSContext != nil || of.DialTLS != nil //nolint:staticcheck // programs still set it
}

// clone returns a copy of an http.Transport that shares no connection with it.
// It speaks HTTP/2 if the original does.
func clone(of *http.Transport) *http.Transport {
	c := of.Clone()
	//lint:ignore SA1019 programs still set it
	c.DialTLSContext, c.DialTLS = nil, nil //nolint:staticcheck // programs still set it
	if c.TLSClientConfig == nil {
		c.TLSClientConfig = new(tls.Config)
	}
	if _, ok := c.TLSNextProto["h2"]; ok {
		// An HTTP/2 of golang.org/x/net has one pool of connections for the
		// original and all clones. It asks for no name of the server.
		c.TLSNextProto = nil
	}
	if c.TLSNextProto == nil && slices.Contains(c.TLSClientConfig.NextProtos, "h2") {
		c.ForceAttemptHTTP2 = true // which a TLSClientConfig switches off otherwise
	}
	if proxy := c.Proxy; proxy != nil {
		c.Proxy = func(req *http.Request) (*url.URL, error) {
			if req.URL.Scheme == "http" {
				return nil, nil // the proxy would look up the name of the service
			}
			return proxy(req)
		}
	}
	return c
}

// defaultTransport returns http.DefaultTransport, or its like if a program has
// replaced it.
func defaultTransport() *http.Transport {
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		return t
	}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          100,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// schemeKey is the key of a context value: the scheme with which the caller has
// asked for a service. The URL of the request that was sent can have another.
type schemeKey struct{}

func withScheme(req *http.Request) context.Context {
	return context.WithValue(req.Context(), schemeKey{}, req.URL.Scheme)
}

// downgrade reports whether a redirect has led to req from https, from a service
// or to one.
func downgrade(req *http.Request, toService bool) bool {
	if req.URL.Scheme == "https" || req.Response == nil || req.Response.Request == nil {
		return false
	}
	before := req.Response.Request
	if scheme, ok := before.Context().Value(schemeKey{}).(string); ok {
		return scheme == "https"
	}
	return toService && before.URL.Scheme == "https"
}
