package httpbalance

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/docent-go/docent/internal/base/hostport"
)

// checkName rejects a name that is not the normal form of a host.
func checkName(name string) error {
	host, port, hasPort := strings.Cut(name, ":")
	if _, err := strconv.ParseUint(port, 10, 16); hasPort && err == nil && hostport.CheckHost(host) == nil {
		return fmt.Errorf("the name is not the host of a URL in normal form: write %q, since each instance has its own port", normalHost(host))
	}
	if err := hostport.CheckHost(name); err != nil {
		return fmt.Errorf("the name cannot be the host of a URL: it %w", err)
	}
	if normal := normalHost(name); normal != name {
		return fmt.Errorf("the name is not the host of a URL in normal form: write %q, which other spellings also reach", normal)
	}
	return nil
}

// normalHost returns a host in lower case, without a dot at its end. It is for
// hosts in ASCII.
func normalHost(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

// route returns the service that a URL names, or nil if it names another host.
// All spellings of a service's host lead to the service, or to an error: none
// leads to DNS.
func (t *Transport) route(u *url.URL) (*service, error) {
	if s := t.services[u.Host]; s != nil {
		return s, checkScheme(u)
	}
	if strings.ContainsFunc(u.Host, func(r rune) bool { return r > 0x7f }) {
		// net/http would map it to ASCII after this, maybe to a service.
		return nil, fmt.Errorf("httpbalance: the host %q is not in ASCII: write it in its form that begins with xn--", u.Host)
	}
	host, port, hasPort := strings.Cut(u.Host, ":") // an IPv6 address is not a service
	if inner := strings.Trim(host, "[]"); inner != host && t.services[normalHost(inner)] != nil {
		return nil, fmt.Errorf("httpbalance: the host %q has brackets, which only an IPv6 address has: write %s", u.Host, normalHost(inner))
	}
	s := t.services[normalHost(host)]
	switch {
	case s == nil && t.only:
		return nil, fmt.Errorf("httpbalance: the host %q is not a service, and OnlyServices rejects all other hosts: "+
			"add it with httpbalance.Service, or use another http.Client for it", u.Host)
	case s == nil:
		return nil, nil
	}
	if err := checkScheme(u); err != nil {
		return nil, err
	}
	if hasPort && port != "" && port != defaultPorts[u.Scheme] {
		return nil, fmt.Errorf("httpbalance: the host %q has a port, and %s is a service, whose instances have ports of their own: "+
			"write %s://%s/, or use another http.Client for the host of that name", u.Host, s.name, u.Scheme, s.name)
	}
	return s, nil
}

var defaultPorts = map[string]string{"http": "80", "https": "443"}

func checkScheme(u *url.URL) error {
	if defaultPorts[u.Scheme] == "" {
		return fmt.Errorf("httpbalance: the scheme %q of a URL with a service is not possible: write http or https", u.Scheme)
	}
	return nil
}

// errDowngrade is the error for a redirect that would send in plain text what
// was sent with TLS.
var errDowngrade = errors.New("httpbalance: a redirect leads from https to http, which would send the request in plain text: " +
	"the server must redirect to https")
