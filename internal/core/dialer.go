package core

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/docent-go/docent/internal/conn"
)

// dial is the client's dialer. It fails once the session is sealed, so that the
// client cannot open another session.
func (s *Session) dial(string, string, time.Duration) (net.Conn, error) {
	t := s.hosts.next // the address that Next has just returned, with its configured name
	c, err := s.open(t)
	if err != nil {
		if !errors.Is(err, net.ErrClosed) {
			s.m.failures.note(t)
		}
		s.m.dialFailed(t, err)
		return nil, err
	}
	return c, nil
}

func (s *Session) open(t target) (net.Conn, error) {
	if t.err != nil {
		return nil, t.err
	}
	limit := s.hosts.limit()
	ctx, cancel := context.WithTimeout(s.sealCtx, limit)
	defer cancel()
	inner, err := s.reach(ctx, t.addr)
	if err != nil {
		return nil, s.dialError(ctx, "dial", t, limit, err)
	}
	if s.m.cfg.TLS != nil {
		if inner, err = s.secure(ctx, inner, t); err != nil {
			return nil, s.dialError(ctx, "TLS with", t, limit, err)
		}
	}
	s.m.warnPlaintext(inner, t.addr)
	patience := s.hosts.limit()
	var login func(context.Context) (conn.Exchange, error)
	if mechanism := s.m.cfg.SASL; mechanism != nil {
		login = func(ctx context.Context) (conn.Exchange, error) { return mechanism.Start(ctx, t.name) }
	}
	c := conn.New(inner, conn.Config{
		Login:    login,
		Owner:    &keeper{s: s, server: t, patience: patience},
		Patience: patience,
		MaxReply: s.m.cfg.maxReply(),
		Auth:     s.m.cfg.credentials(),
		Go:       func(f func()) { s.spawn(f) },
		Closing:  s.closing.Go,
	})
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

// dialled is the result of a dialer.
type dialled struct {
	inner net.Conn
	err   error
}

// reach calls the dialer, which may be the user's, and waits no longer than
// ctx. A connection that is made later is closed.
func (s *Session) reach(ctx context.Context, addr string) (net.Conn, error) {
	made := make(chan dialled)
	go func() {
		inner, err := s.m.dialer(ctx, "tcp", addr)
		select {
		case made <- dialled{inner, err}:
		case <-ctx.Done():
			if err == nil {
				inner.Close()
			}
		}
	}()
	select {
	case r := <-made:
		return r.inner, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *Session) dialError(ctx context.Context, what string, t target, limit time.Duration, err error) error {
	if s.sealCtx.Err() != nil {
		return net.ErrClosed
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("no answer within %v", limit)
	}
	return fmt.Errorf("%s %s: %w", what, t.addr, notAgain(err, t))
}

// secure runs the TLS handshake. It verifies the name that the user configured,
// not the address that it resolved to.
func (s *Session) secure(ctx context.Context, inner net.Conn, t target) (net.Conn, error) {
	cfg := s.m.cfg.TLS.Clone()
	if cfg.ServerName == "" {
		cfg.ServerName = t.name
	}
	var lacks error
	if cfg.GetClientCertificate == nil {
		// This is crypto/tls's own behaviour. It also records the reason.
		cfg.GetClientCertificate = func(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			lacks = errors.New("the server asks for a client certificate, but none is configured")
			for i := range cfg.Certificates {
				if asked.SupportsCertificate(&cfg.Certificates[i]) == nil {
					lacks = nil
					return &cfg.Certificates[i], nil
				}
				lacks = errors.New("the server accepts none of the configured client certificates: it asks for another authority or another kind of key")
			}
			return new(tls.Certificate), nil
		}
	}
	secured := tls.Client(inner, cfg)
	if err := secured.HandshakeContext(ctx); err != nil {
		inner.Close()
		var alert *net.OpError
		switch {
		case errors.Is(err, io.EOF): // a port without TLS does that
			err = errors.New("the server closed the connection: does this port speak TLS?")
		case lacks != nil && errors.As(err, &alert) && alert.Op == "remote error":
			// Some servers send no better alert than "handshake failure".
			err = fmt.Errorf("%w (%w)", err, lacks)
		}
		return nil, err
	}
	return secured, nil
}

// seal stops all dialling and closes the connections of this session, at once
// and for good.
func (s *Session) seal() {
	s.sealNow()
	s.closeConns()
}

// closeConns closes the connections of this session. It does not wait for them.
func (s *Session) closeConns() {
	s.mu.Lock()
	open := make([]*conn.Conn, 0, len(s.conns))
	for c := range s.conns {
		open = append(open, c)
	}
	s.mu.Unlock()
	for _, c := range open {
		c.Close()
	}
}
