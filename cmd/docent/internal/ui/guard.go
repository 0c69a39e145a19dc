package ui

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// harden sets the headers that every answer has.
func harden(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "+
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// ServeHTTP answers a request that may come from a viewer, and rejects any
// other.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	harden(w.Header())
	if !s.knownHost(r) {
		s.reject(w, r, http.StatusMisdirectedRequest,
			"This page is not served under the name in the address: start docent ui with --host and that name.")
		return
	}
	if s.fromAnotherSite(r) {
		s.reject(w, r, http.StatusForbidden, "This page does not answer to other sites: copy its address into the browser's address bar.")
		return
	}
	v, path, ok := s.admit(w, r)
	if !ok {
		return
	}
	if !admitConnection(r) {
		s.busy(w, r)
		return
	}
	s.route(w, r, v, path)
}

// knownHost rejects requests for other host names: another page may resolve its
// own name to this server's address (DNS rebinding). The address at which the
// connection arrived is known, since a browser does not resolve it.
func (s *Server) knownHost(r *http.Request) bool {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	if slices.Contains(s.cfg.Hosts, host) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	local, isTCP := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return err == nil && isTCP && ip.Unmap() == local.AddrPort().Addr().Unmap()
}

// fromAnotherSite reports whether the browser says that another origin made the
// request. Another port is another origin. The check of net/http lets every
// request pass that changes nothing; here a request that reads is checked too.
func (s *Server) fromAnotherSite(r *http.Request) bool {
	as := *r
	as.Method = http.MethodPost
	return s.origins.Check(&as) != nil
}
