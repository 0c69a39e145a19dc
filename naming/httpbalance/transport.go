package httpbalance

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/naming"
)

// Transport is an http.RoundTripper. It has no goroutine, nothing to close but
// idle connections, and is safe for concurrent use.
type Transport struct {
	next     http.RoundTripper // sends the requests to other hosts
	wrap     func(*http.Transport) http.RoundTripper
	only     bool // no other hosts
	attempts int
	pause    time.Duration
	window   time.Duration
	errs     int
	strategy naming.Strategy
	key      func(*http.Request) string
	services map[string]*service // by name
	err      error
}

// New returns a Transport. It sends no request. If an option cannot be used,
// every request returns the error.
func New(opts ...Option) *Transport {
	t := &Transport{
		next:     http.DefaultTransport,
		attempts: 3,
		errs:     3,
		window:   10 * time.Second,
		pause:    10 * time.Second,
		strategy: naming.RoundRobin(),
		key:      func(*http.Request) string { return "" },
		services: make(map[string]*service),
	}
	misuse.Apply("httpbalance.New", t, opts)
	if t.attempts < 1 {
		t.err = fmt.Errorf("httpbalance: Attempts(%d): a request needs at least 1 attempt", t.attempts)
	}
	for name, s := range t.services {
		err := checkName(name)
		if err == nil {
			err = t.secure(s)
		}
		if err == nil {
			s.balancer, err = balancer(s.source, t.strategy, naming.DownAfter(t.errs, t.window, t.pause))
		}
		if err != nil {
			t.err = fmt.Errorf("httpbalance: service %s: %w", name, err)
		}
	}
	return t
}

// made panics for a Transport that was not made by New.
func (t *Transport) made() {
	misuse.ZeroValue(t == nil || t.next == nil, "or nil httpbalance.Transport", "httpbalance.New")
}

// balancer returns the source's own balancer if it has one, as a
// *naming.Service does.
func balancer(source naming.Source[naming.Instance], s naming.Strategy, opts ...naming.BalancerOption) (*naming.Balancer[naming.Instance], error) {
	type maker interface {
		Balancer(naming.Strategy, ...naming.BalancerOption) (*naming.Balancer[naming.Instance], error)
	}
	if m, ok := source.(maker); ok {
		return m.Balancer(s, opts...)
	}
	b := naming.NewBalancer(source, s, opts...)
	return b, b.Refresh()
}

// RoundTrip implements http.RoundTripper. The Request of the response is the
// one that was sent, so its URL shows which instance has answered.
//
// Errors: the RoundTripper's; naming.ErrNoInstance; a certificate that is not
// valid for the service (*tls.CertificateVerificationError); a host or a scheme
// that is rejected. After several attempts the error wraps the error of each.
// Its text names the instances that were tried, of eight at most, each with its
// reason.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	t.made()
	misuse.If(req == nil, "Transport.RoundTrip is given a nil request")
	misuse.If(req.URL == nil, "Transport.RoundTrip is given a request without a URL")
	if t.err != nil {
		return nil, reject(req, t.err)
	}
	s, err := t.route(req.URL)
	switch {
	case err != nil:
		return nil, reject(req, err)
	case downgrade(req, s != nil):
		return nil, reject(req, errDowngrade)
	case s == nil:
		return t.next.RoundTrip(req)
	case req.URL.Scheme == "https" && s.unverified != nil:
		return nil, reject(req, fmt.Errorf("httpbalance: service %s cannot be called with https: %w", s.name, s.unverified))
	}
	failed := failures{service: s.name}
	for n := 1; ; n++ {
		p, err := pick(s.balancer, t.key(req), failed.tried)
		switch {
		case n > 1 && err != nil: // all instances were tried
			return nil, failed.err()
		case err != nil:
			return nil, reject(req, fmt.Errorf("httpbalance: service %s: %w", s.name, err))
		}
		resp, err := t.send(req, s, p, n > 1)
		if err == nil {
			return resp, nil
		}
		failed.add(p.Item.ID, err)
		if n == t.attempts || !repeatable(req, err) {
			return nil, failed.err()
		}
	}
}

// pick picks an instance that was not tried.
func pick(b *naming.Balancer[naming.Instance], key string, tried []string) (naming.Picked[naming.Instance], error) {
	if len(tried) == 0 {
		return b.Pick(key)
	}
	return b.PickOther(key, tried...)
}

// reject closes the body of a request that is not sent, as a RoundTripper must.
func reject(req *http.Request, err error) error {
	if req.Body != nil {
		_ = req.Body.Close() // the request is rejected anyway
	}
	return err
}

// send sends the request to one instance.
func (t *Transport) send(req *http.Request, s *service, p naming.Picked[naming.Instance], again bool) (*http.Response, error) {
	out := req.Clone(withScheme(req))
	out.URL.Scheme, out.URL.Host = target(p.Item, req.URL.Scheme)
	if out.Host == "" {
		out.Host = req.URL.Host // and not the address in the registry
	}
	err := p.Item.CheckAddress()
	if err == nil && out.URL.Scheme == "https" && s.unverified != nil {
		err = fmt.Errorf("it has only an SSL port, and cannot be called with https: %w", s.unverified)
	}
	if err == nil && again && req.GetBody != nil {
		if out.Body, err = req.GetBody(); err != nil {
			err = fmt.Errorf("read the body again: %w", err)
		}
	}
	if err != nil {
		p.Done(nil)
		if again { // the body is closed already
			return nil, notSent{err}
		}
		return nil, reject(req, notSent{err})
	}
	resp, err := s.next.RoundTrip(out)
	if err != nil {
		p.Done(err)
		if unsent(err) && req.Context().Err() == nil {
			s.balancer.MarkDown(p.Item.ID, t.pause)
		}
		return nil, explain(err)
	}
	if resp.Request == nil { // for the next request, if this is a redirect
		resp.Request = out
	}
	resp.Body = follow(resp, p)
	return resp, nil
}

// target returns the scheme and the host for a call to an instance. scheme is
// the request's. An instance that has only an SSL port is called with https. An
// IPv6 address has brackets.
func target(in *naming.Instance, scheme string) (useScheme, host string) {
	port := in.Port
	if in.SSLPort != 0 && (scheme == "https" || port == 0) {
		scheme, port = "https", in.SSLPort
	}
	address := strings.Trim(in.Address, "[]")
	switch {
	case port != 0:
		return scheme, net.JoinHostPort(address, strconv.Itoa(port))
	case strings.Contains(address, ":"):
		return scheme, "[" + address + "]"
	}
	return scheme, address
}

// CloseIdleConnections closes the idle connections of the RoundTrippers that
// have such a method. http.Client calls it.
func (t *Transport) CloseIdleConnections() {
	t.made()
	closeIdle(t.next)
	for _, s := range t.services {
		closeIdle(s.next)
		if s.base != nil {
			s.base.CloseIdleConnections()
		}
	}
}

func closeIdle(rt http.RoundTripper) {
	if c, ok := rt.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
