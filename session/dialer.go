package session

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// dial is the client's dialer. It refuses once the session is sealed, so that
// a request still queued in the client can never be sent in another session.
func (s *Session) dial(_, addr string, _ time.Duration) (net.Conn, error) {
	c, err := s.open(addr)
	if err != nil {
		s.m.dialFailed(err)
		return nil, err
	}
	return c, nil
}

func (s *Session) open(addr string) (net.Conn, error) {
	t := s.hosts.target(addr)
	if t.err != nil {
		return nil, t.err
	}
	ctx, cancel := context.WithTimeout(s.sealCtx, s.m.patience)
	defer cancel()
	inner, err := s.m.dialer(ctx, "tcp", t.addr)
	if err != nil {
		return nil, s.dialError(ctx, "dial", t, err)
	}
	if s.m.cfg.TLS != nil {
		if inner, err = s.secure(ctx, inner, t); err != nil {
			return nil, s.dialError(ctx, "TLS with", t, err)
		}
	}
	c := newConn(inner, s, t.addr, s.m.patience)
	s.mu.Lock()
	sealed := s.sealCtx.Err() != nil
	if !sealed {
		s.conns[c] = struct{}{}
	}
	s.mu.Unlock()
	if sealed {
		inner.Close()
		return nil, net.ErrClosed
	}
	return c, nil
}

func (s *Session) dialError(ctx context.Context, what string, t target, err error) error {
	if s.sealCtx.Err() != nil {
		return net.ErrClosed
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("no answer within %v", s.m.patience)
	}
	return fmt.Errorf("%s %s: %w", what, t.addr, err)
}

// secure runs the TLS handshake. The name to verify is the one that the user
// configured, not the address that it resolved to.
func (s *Session) secure(ctx context.Context, inner net.Conn, t target) (net.Conn, error) {
	cfg := s.m.cfg.TLS.Clone()
	if cfg.ServerName == "" {
		cfg.ServerName = t.name
	}
	var lacks error
	if cfg.GetClientCertificate == nil {
		// What crypto/tls does by itself, but that we get to know of it.
		cfg.GetClientCertificate = func(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			lacks = errors.New("the server asks for a client certificate, and none is configured")
			for i := range cfg.Certificates {
				if asked.SupportsCertificate(&cfg.Certificates[i]) == nil {
					lacks = nil
					return &cfg.Certificates[i], nil
				}
				lacks = errors.New("the server asks for a client certificate of another authority, or with another kind of key")
			}
			return new(tls.Certificate), nil
		}
	}
	conn := tls.Client(inner, cfg)
	if err := conn.HandshakeContext(ctx); err != nil {
		inner.Close()
		var alert *net.OpError
		switch {
		case errors.Is(err, io.EOF): // as a port without TLS does
			err = errors.New("the server closed the connection: does this port speak TLS?")
		case lacks != nil && errors.As(err, &alert) && alert.Op == "remote error":
			// Some servers send no better alert than "handshake failure".
			err = fmt.Errorf("%w (%w)", err, lacks)
		}
		return nil, err
	}
	return conn, nil
}

// forget drops a connection that has been closed.
func (s *Session) forget(c *conn) {
	s.mu.Lock()
	delete(s.conns, c)
	if s.link == c {
		s.link = nil
	}
	s.mu.Unlock()
}

// seal ends all dialling and closes the connections of this session, at once
// and for good.
func (s *Session) seal() {
	s.sealNow()
	s.closeConns()
}

// closeConns closes the connections of this session. It does not wait for them.
func (s *Session) closeConns() {
	s.mu.Lock()
	open := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		open = append(open, c)
	}
	s.mu.Unlock()
	for _, c := range open {
		c.Close()
	}
}
