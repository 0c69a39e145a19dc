package httpbalance

import (
	"errors"
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
	next     http.RoundTripper // sends the requests
	attempts int
	pause    time.Duration
	window   time.Duration
	errs     int
	strategy naming.Strategy
	key      func(*http.Request) string
	sources  map[string]naming.Source[naming.Instance]

	services map[string]*naming.Balancer[naming.Instance]
	err      error
}

// Option changes how a Transport sends.
type Option func(*Transport)

// Service sends requests for http://name/ and https://name/ to the instances of
// a source, such as a *naming.Service. The name must be in lower case, without
// a port.
func Service(name string, source naming.Source[naming.Instance]) Option {
	misuse.If(source == nil, "httpbalance.Service is given a nil Source: give a naming.Service or a naming.List")
	return func(t *Transport) { t.sources[name] = source }
}

// Strategy sets how instances are picked. Each service uses the strategy
// independently of the others. The default is naming.RoundRobin.
func Strategy(s naming.Strategy) Option { return func(t *Transport) { t.strategy = s } }

// Key sets the function that returns the key for naming.Hash and naming.Sticky:
// a user, a tenant, a path.
func Key(f func(*http.Request) string) Option {
	misuse.NilFunc(f == nil, "httpbalance.Key")
	return func(t *Transport) { t.key = f }
}

// RoundTripper sets the RoundTripper that sends the requests. The default is
// http.DefaultTransport.
func RoundTripper(rt http.RoundTripper) Option {
	misuse.If(rt == nil, "httpbalance.RoundTripper is given a nil RoundTripper: leave it out for http.DefaultTransport")
	return func(t *Transport) { t.next = rt }
}

// Attempts sets how many instances are tried at most for one request. The
// default is three; with one, a request is not repeated.
func Attempts(n int) Option { return func(t *Transport) { t.attempts = n } }

// DownAfter sets for how long an instance is passed over, as naming.DownAfter
// does. It is passed over if no connection can be made, or if errs requests
// have failed within the window: the connection broke off, or the status was
// 502, 503 or 504. The default is 3 in 10 seconds, for 10 seconds.
func DownAfter(errs int, window, pause time.Duration) Option {
	return func(t *Transport) { t.errs, t.window, t.pause = errs, window, pause }
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
		sources:  make(map[string]naming.Source[naming.Instance]),
		services: make(map[string]*naming.Balancer[naming.Instance]),
	}
	misuse.Apply("httpbalance.New", t, opts)
	if t.attempts < 1 {
		t.err = fmt.Errorf("httpbalance: Attempts(%d): a request needs at least 1 attempt", t.attempts)
	}
	for name, source := range t.sources {
		b, err := balancer(source, t.strategy, naming.DownAfter(t.errs, t.window, t.pause))
		if err != nil {
			t.err = fmt.Errorf("httpbalance: service %s: %w", name, err)
			continue
		}
		t.services[name] = b
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
// Errors: the RoundTripper's; naming.ErrNoInstance.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	t.made()
	misuse.If(req == nil, "Transport.RoundTrip is given a nil request")
	if t.err != nil {
		return nil, refuse(req, t.err)
	}
	b, ok := t.services[req.URL.Host]
	if !ok {
		return t.next.RoundTrip(req)
	}
	var tried []string
	var last error
	for n := 1; ; n++ {
		p, err := pick(b, t.key(req), tried)
		switch {
		case last != nil && err != nil: // all instances were tried
			return nil, last
		case err != nil:
			return nil, refuse(req, fmt.Errorf("httpbalance: service %s: %w", req.URL.Host, err))
		}
		tried = append(tried, p.Item.ID)
		resp, err := t.send(req, b, p, n > 1)
		if err == nil {
			return resp, nil
		}
		last = fmt.Errorf("httpbalance: instance %s of service %s: %w", p.Item.ID, req.URL.Host, err)
		if n == t.attempts || !repeatable(req, err) {
			return nil, last
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

// refuse closes the body of a request that is not sent, as a RoundTripper must.
func refuse(req *http.Request, err error) error {
	if req.Body != nil {
		_ = req.Body.Close() // the request is refused anyway
	}
	return err
}

// send sends the request to one instance.
func (t *Transport) send(req *http.Request, b *naming.Balancer[naming.Instance], p naming.Picked[naming.Instance], again bool) (*http.Response, error) {
	out := req.Clone(req.Context())
	out.URL.Scheme, out.URL.Host = target(p.Item, req.URL.Scheme)
	if again && req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			p.Done(nil)
			return nil, fmt.Errorf("read the body again: %w", err)
		}
		out.Body = body
	}
	resp, err := t.next.RoundTrip(out)
	if err != nil {
		p.Done(err)
		if unsent(err) && req.Context().Err() == nil {
			b.MarkDown(p.Item.ID, t.pause)
		}
		return nil, err
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

// unsent reports whether the error says that no connection was made.
func unsent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func repeatable(req *http.Request, err error) bool {
	if req.Context().Err() != nil {
		return false
	}
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return false
	}
	if unsent(err) || req.Header.Get("Idempotency-Key") != "" {
		return true
	}
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// CloseIdleConnections closes the idle connections of the RoundTripper, if it
// has the method. http.Client calls it.
func (t *Transport) CloseIdleConnections() {
	t.made()
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
