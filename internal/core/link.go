package core

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/conn"
	"github.com/docent-go/docent/internal/wire"
)

// The link is the connection to which a session's requests are written, while
// one is open (see package conn).

// opened is called by a connection when it is open. The session's holds need a
// proof at once, because the handshake proves nothing. A connection that was
// closed meanwhile is ignored: closed may have run already.
func (s *Session) opened(c *conn.Conn, server string) {
	s.mu.Lock()
	select {
	case <-c.Closed():
		s.mu.Unlock()
		return
	default:
	}
	if s.ctx.Err() != nil {
		select {
		case <-s.again:
		default:
			close(s.again)
		}
		s.mu.Unlock()
		return
	}
	s.link, s.probedAt, s.probing, s.refusedOnce = c, time.Time{}, 0, false
	s.server, s.lostLink = server, nil
	if s.holds.Err() != nil {
		s.holds, s.cutHolds = context.WithCancelCause(s.ctx)
	}
	close(s.up)
	if !s.isEstablished() {
		close(s.established)
	}
	s.mu.Unlock()
	s.m.linkChanged(s)
	s.watches.reconnected()
	s.watches.resumed(c)
	s.reviewTrust(0)
}

// closed is called by a connection when it is closed.
func (s *Session) closed(c *conn.Conn, why error) {
	s.mu.Lock()
	if s.link != c {
		s.mu.Unlock()
		return
	}
	s.link, s.lostLink = nil, s.linkLoss(why)
	s.up = make(chan struct{})
	var cut context.CancelCauseFunc
	if s.m.cfg.LossPolicy == OnDisconnect && s.ctx.Err() == nil {
		cut = s.cutHolds // it also ends holds that begin before the next connection
		s.held = 0
		s.heldNodes.Init()
		s.epoch++
	}
	s.mu.Unlock()
	if cut != nil {
		cut(ErrDisconnected)
	}
	if s.ctx.Err() == nil {
		s.m.linkChanged(s)
	}
}

// firstRefusal reports whether this is the first refusal of the credentials
// since a connection was last open.
func (s *Session) firstRefusal() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !s.refusedOnce
	s.refusedOnce = true
	return first
}

func (s *Session) isConnected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link != nil
}

// isEstablished reports whether the session has had an open connection.
func (s *Session) isEstablished() bool {
	select {
	case <-s.established:
		return true
	default:
		return false
	}
}

// waitUp waits until the session is connected, and returns the link. Errors:
// ctx's error, and the error with which the session has ended.
func (s *Session) waitUp(ctx context.Context) (*conn.Conn, error) {
	for {
		if err := ctxend.Err(ctx); err != nil {
			return nil, err
		}
		if s.ctx.Err() != nil {
			return nil, ended(context.Cause(s.ctx))
		}
		s.mu.Lock()
		link, up := s.link, s.up
		s.mu.Unlock()
		if link != nil {
			return link, nil
		}
		select {
		case <-up:
		case <-ctx.Done():
			if s.ctx.Err() == nil {
				return nil, fmt.Errorf("no connection to ZooKeeper: %w", ctxend.Err(ctx))
			}
		case <-s.ctx.Done():
		}
	}
}

// probe sends a transaction that only checks nodes, and changes nothing.
// Servers commit it with a quorum like any other transaction. So its answer
// proves what a ping, a read or a sync cannot prove: the ensemble still follows
// this session's server. It costs the leader an entry in its log. then, unless
// it is nil, is called with the call once it has ended.
//
// If the answer takes longer than wait, the connection is closed (see abandon).
func (s *Session) probe(link *conn.Conn, checks []byte, wait time.Duration, then func(*conn.Call)) *conn.Call {
	abandon := s.abandonIn(wait, link)
	s.countProbe(link, 1)
	call := conn.NewCall(checks, func(call *conn.Call) {
		abandon.stop()
		s.m.counts.probe(call)
		if then != nil {
			then(call)
		}
		s.countProbe(link, -1)
		if call.Fate() == conn.Answered {
			s.review() // the next due time was unknown when the probe was sent
		}
	})
	link.SendFirst(call) // so that the session's own backlog does not delay a proof
	return call
}

// countProbe counts the unanswered probes on the link.
func (s *Session) countProbe(link *conn.Conn, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link == link {
		s.probing += n
	}
}

// checkFound reports whether the check of an answered probe has found its node.
func checkFound(r wire.Reply) bool {
	if r.Code != wire.CodeOK {
		return r.Code != wire.CodeNoNode
	}
	results, err := wire.ResultsOf(r.Body, 1)
	if err != nil {
		return true
	}
	_, code := wire.FirstFailure(results)
	return code != wire.CodeNoNode
}

// linkDetails returns the log attributes of a change of the connection: the
// server, and the reason for which the connection was lost.
func (s *Session) linkDetails() []any {
	s.mu.Lock()
	defer s.mu.Unlock()
	details := []any{"server", s.server}
	if s.link == nil && s.lostLink != nil {
		details = append(details, "err", s.lostLink)
	}
	return details
}

// whyLost returns why the last connection was lost.
func (s *Session) whyLost() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lostLink == nil {
		return errConnectionGone
	}
	return s.lostLink
}

// errConnectionGone is the reason if the connection ended without an error.
var errConnectionGone = errors.New("the connection is lost")

// linkLoss returns the error with which a connection has just ended, for people.
// The caller holds mu.
func (s *Session) linkLoss(err error) error {
	switch {
	case err == nil:
		return nil
	case hungUp(err):
		err = errors.New("the server has closed the connection")
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("no answer within %v", s.timeout/2)
	}
	return s.afterStandstill(err)
}
