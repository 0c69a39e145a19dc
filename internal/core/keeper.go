package core

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/docent-go/docent/internal/conn"
	"github.com/docent-go/docent/internal/wire"
)

// keeper reports what one connection learns to its session (conn.Owner).
type keeper struct {
	s        *Session
	server   target
	patience time.Duration // for each step until the connection is open
	greeting int64         // the zxid in the hello
	helloAt  time.Time
}

func (k *keeper) Greeting() int64 {
	k.greeting = k.s.zxid.Load()
	return k.greeting
}

func (k *keeper) Granted(c *conn.Conn, h wire.Handshake, helloAt time.Time) error {
	s := k.s
	k.helloAt = helloAt
	id := s.ID()
	switch {
	case h.Session == 0:
		s.end(ErrExpired)
		return nil
	case h.Timeout < minGranted, h.Timeout > maxTimeout:
		return fmt.Errorf("the server granted a session timeout of %v, and only %v to %v can be kept: look at its minSessionTimeout and maxSessionTimeout",
			h.Timeout, minGranted, maxTimeout)
	case h.Session != id && !s.isEstablished():
		// An earlier connection that ended during the login may have opened
		// another session. No request was sent in that session.
		c.Prove() // a quorum has created the session, unless it is a local session
	case h.Session != id:
		// The server does not know our session, and has opened another. Our
		// session's ephemeral nodes are gone, or will be deleted without an
		// event.
		err := fmt.Errorf("%w: it has opened session %s in its place", ErrExpired, SessionID(h.Session))
		s.end(err)
		return err
	}
	s.granted(h, helloAt)
	return nil
}

// minGranted is the shortest timeout of a session that can be kept. Pings are
// sent each third of it.
const minGranted = 15 * time.Millisecond

// Refused ends a session that has never been open. Later, another server may
// accept credentials that this server refuses, until the session's deadline.
func (k *keeper) Refused(_ *conn.Conn, err error) {
	err = k.refusal(err)
	if !k.s.isEstablished() {
		k.s.end(err)
		return
	}
	if k.s.firstRefusal() {
		k.s.m.log.Warn("a server rejects the credentials: trying the others",
			"server", k.server.addr, "session", SessionID(k.s.ID()), "err", err)
	}
}

// refusal returns the error for refused credentials.
func (k *keeper) refusal(err error) error {
	var refused *conn.RefusedError
	switch {
	case !errors.As(err, &refused):
		return &loginError{k.s.m.cfg.SASL.Name(), err}
	case refused.Blank && (refused.Code == wire.CodeAuthFailed || refused.Code == wire.CodeNeedsLogin):
		return fmt.Errorf("%w (SASL with %s): the server rejects the mechanism, and has seen no name and no password yet; "+
			"a server in FIPS mode does, the default since ZooKeeper 3.9: set fips-mode=false in zoo.cfg", ErrAuth, k.s.m.cfg.SASL.Name())
	case refused.Scheme == conn.SchemeSASL && (refused.Code == wire.CodeAuthFailed || refused.Code == wire.CodeNeedsLogin):
		return fmt.Errorf("%w (SASL with %s): %s", ErrAuth, k.s.m.cfg.SASL.Name(), refusedLogin(k.s.m.cfg.SASL.Name()))
	case refused.Code == wire.CodeAuthFailed:
		return fmt.Errorf("%w (scheme %s)", ErrAuth, refused.Scheme)
	}
	_, answer := classify(refused.Code)
	return fmt.Errorf("%w (scheme %s): %w", ErrAuth, refused.Scheme, answer)
}

// refusedLogin says what to do when a server rejects a login. With Kerberos, the
// client's name and password are the KDC's business.
func refusedLogin(mechanism string) string {
	if mechanism == "GSSAPI" {
		return "the server rejects the ticket; look into its log, and check that its keytab has the newest key of its principal, " +
			"that the clocks agree, and that the Server section of its JAAS file has Krb5LoginModule"
	}
	return "check the user's name, the password, and the Server section of the server's JAAS file"
}

// loginError is the error of a login that has failed on this side: the
// mechanism cannot begin, or does not accept the server's token.
type loginError struct {
	mechanism string
	err       error
}

func (e *loginError) Error() string {
	return fmt.Sprintf("the SASL login with %s failed: %v", e.mechanism, e.err)
}
func (e *loginError) Unwrap() error        { return e.err }
func (e *loginError) Is(target error) bool { return target == ErrAuth }

func (k *keeper) Watches(*conn.Conn) []*conn.Call {
	s := k.s
	frames := s.watches.setAgain(k.greeting, s.m.progress.rewatchLimit(k.server.addr, s.m.cfg.MaxRequest))
	calls := make([]*conn.Call, len(frames))
	for i, frame := range frames {
		calls[i] = conn.NewCall(frame, s.watchesSet)
	}
	if list := s.listOwn(); list != nil {
		calls = append(calls, list)
	}
	return calls
}

// watchesSet processes the answer to a request that sets watches again. Without
// these watches the connection is useless.
func (s *Session) watchesSet(call *conn.Call) {
	if call.Fate() != conn.Answered || call.Reply().Code == wire.CodeOK {
		return
	}
	if code := call.Reply().Code; code.Class() != wire.NotExecuted {
		s.m.log.Warn("a server rejects the request that sets watches again", "server", call.Conn().RemoteAddr(), "code", int32(code), "name", code.Name())
	}
	call.Conn().Fail(errWatches)
}

// errWatches is the reason for which a connection without its watches is
// closed.
var errWatches = errors.New("the server did not set the watches again")

// Opened counts the handshake as an answer only now: a server that refuses the
// credentials must not keep the session alive.
func (k *keeper) Opened(c *conn.Conn) {
	k.s.answered(k.helloAt, c.Timeout(), false)
	k.s.opened(c, k.server.addr)
}

func (k *keeper) Answered(c *conn.Conn, call *conn.Call) {
	s, r := k.s, call.Reply()
	s.m.counts.answer(r.Code.Class())
	if r.Code == wire.CodeSessionExpired {
		s.end(ErrExpired)
		return
	}
	if !c.Opened() {
		return
	}
	// Until all watches are set again, an answer does not imply that the
	// session has been told of all changes up to the answer's zxid. With that
	// zxid, the next connection would request only the later changes.
	if !call.Op().SetsWatches() && r.Zxid > s.zxid.Load() {
		s.zxid.Store(r.Zxid) // only one goroutine at a time does this, because connections do not overlap
	}
	proof := call.Proves()
	s.answered(call.WrittenAt(), c.Timeout(), proof)
	if proof && c.Prove() {
		s.linkProven()
	}
}

func (k *keeper) Pinged(c *conn.Conn, at time.Time) {
	k.s.answered(at, c.Timeout(), false)
	k.s.pinged()
}

func (k *keeper) Event(event wire.Event, path string) {
	if kind, ok := eventTypes[event]; ok {
		k.s.watches.fire(kind, path)
	}
}

// Ended removes the connection. Whatever the reason, its server is dialled
// last.
func (k *keeper) Ended(c *conn.Conn, err error) {
	s := k.s
	s.m.failures.note(k.server)
	s.m.counts.unanswered.Add(uint64(c.Traffic().Unanswered))
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	if s.sealCtx.Err() == nil {
		if traffic := c.Traffic(); c.Shaken() {
			s.m.connectionEnded(k.server.addr, traffic)
		}
		k.tellFailure(c, err)
	}
	s.closed(c, err)
}

// tellFailure reports a connection that ended before it was open. For a caller
// of Dial, its server is unreachable.
func (k *keeper) tellFailure(c *conn.Conn, err error) {
	if err == nil || c.Opened() {
		return
	}
	what := "handshake with"
	if c.Shaken() {
		what = "log in to"
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("no answer within %v", k.patience)
	case !hungUp(err):
	case !c.Shaken():
		err = ErrNotServing
	case k.s.m.cfg.SASL != nil:
		err = errors.New("the server closed the connection during the SASL login; look into its log")
	}
	k.s.m.dialFailed(k.server, fmt.Errorf("%s %s: %w", what, k.server.addr, err))
}

// hungUp reports whether a network error says that the other side has closed
// the connection.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
