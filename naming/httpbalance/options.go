package httpbalance

import (
	"net/http"
	"time"

	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/naming"
)

// Option changes how a Transport sends.
type Option func(*Transport)

// Service sends requests for http://name/ and https://name/ to the instances of
// a source, such as a *naming.Service.
//
// The name is the host of the URLs, and need not be the name of the service in
// ZooKeeper. It must be in normal form: in lower case, without a port and
// without a dot at its end. Another form is an error, not a second spelling:
// two spellings would be one service, and the later source would replace the
// earlier one unnoticed. The hosts of requests are brought into normal form.
func Service(name string, source naming.Source[naming.Instance], opts ...ServiceOption) Option {
	misuse.If(source == nil, "httpbalance.Service is given a nil Source: give a naming.Service or a naming.List")
	s := &service{name: name, source: source}
	misuse.Apply("httpbalance.Service", s, opts)
	return func(t *Transport) {
		made := *s // one Option may be given to several Transports
		t.services[name] = &made
	}
}

// ServiceOption changes how requests are sent to one service.
type ServiceOption func(*service)

// ServerName sets the name for which the certificates of the instances are
// verified: a DNS name or an IP address, without a port. The default is the
// ServerName of the RoundTripper's TLSClientConfig, or without one the name
// given to Service. The address of an instance is never the name.
func ServerName(name string) ServiceOption {
	return func(s *service) { s.serverName = &name }
}

// OnlyServices rejects requests to hosts that are not a service. So no request
// goes to a host that DNS names, whatever its URL is, and wherever a redirect
// leads.
func OnlyServices() Option { return func(t *Transport) { t.only = true } }

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
//
// Each service has a clone of an *http.Transport, with the ServerName to verify.
// A clone has its own connections. It does not use a proxy for http, since the
// proxy would look up the name of the service in DNS. For https it uses a proxy
// whose own URL is http: the connection to the instance is encrypted and
// verified from end to end, through the proxy. A proxy whose URL is https is
// verified for the ServerName too, as net/http has one name for both. So the
// proxy is rejected, unless its certificate is valid for that name. Do not
// change the *http.Transport after New.
//
// Another RoundTripper cannot be told which name to verify. Nor can an
// *http.Transport with a DialTLS or DialTLSContext. With these, requests that
// need TLS are rejected: use RoundTrippers.
func RoundTripper(rt http.RoundTripper) Option {
	misuse.If(rt == nil, "httpbalance.RoundTripper is given a nil RoundTripper: leave it out for http.DefaultTransport")
	return func(t *Transport) { t.next = rt }
}

// RoundTrippers sets a function that makes the RoundTripper of each service
// from an *http.Transport, to wrap it or to change it:
//
//	httpbalance.RoundTrippers(func(base *http.Transport) http.RoundTripper { return otelhttp.NewTransport(base) })
//
// New calls the function once for each service. base is a clone of the
// *http.Transport that RoundTripper sets, without its DialTLS and
// DialTLSContext. If RoundTripper sets another type, base is a clone of
// http.DefaultTransport. The function owns base. base.TLSClientConfig.ServerName
// is the name to verify: add to the TLSClientConfig and do not replace it. What
// the function returns decides what is verified. Requests to other hosts go to
// the RoundTripper itself.
func RoundTrippers(f func(base *http.Transport) http.RoundTripper) Option {
	misuse.NilFunc(f == nil, "httpbalance.RoundTrippers")
	return func(t *Transport) { t.wrap = f }
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
