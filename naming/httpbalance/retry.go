package httpbalance

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
)

// unsent reports whether the error says that no connection was made, or none
// that could be trusted. Then nothing of the request was sent.
func unsent(err error) bool {
	var none notSent
	var op *net.OpError
	if errors.As(err, &none) || errors.As(err, &op) && op.Op == "dial" {
		return true
	}
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	return errors.As(err, &certificate) ||
		errors.As(err, &record) && record.Conn != nil // the first record, from a server without TLS
}

// notSent is an error before a request is given to a RoundTripper.
type notSent struct{ error }

func (e notSent) Unwrap() error { return e.error }

// explain adds what to do to the error for a certificate of another name.
func explain(err error) error {
	var other x509.HostnameError
	var op *net.OpError
	switch {
	case !errors.As(err, &other):
	case errors.As(err, &op) && op.Op == "proxyconnect": // a ServerName for the proxy would be one for the instances
		return fmt.Errorf("%w: a proxy with an https URL is verified for the name of the service; give a proxy with an http URL", err)
	default:
		return fmt.Errorf("%w; issue a certificate for %s, or set another name with httpbalance.ServerName", err, other.Host)
	}
	return err
}

// over reports whether the time of the request is up. An http.Client with a
// Timeout ends the context and closes Cancel, in any order.
func over(req *http.Request) bool {
	select {
	case <-req.Cancel: //lint:ignore SA1019 http.Client sets it
		return true
	default:
		return req.Context().Err() != nil
	}
}

// repeatable reports whether a request that failed with err may be tried on
// another instance.
func repeatable(req *http.Request, err error) bool {
	if over(req) {
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
