package inspect

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/core"
)

// TroubleError is the error that Changes yields while the ensemble does not
// answer. The last report may be out of date.
type TroubleError struct {
	// Confirmed is the time of the last answer of a quorum, by this machine's
	// clock: the last report was true then. It is zero before the first answer.
	Confirmed time.Time
	// Silence is the time for which Changes has waited for an answer.
	Silence time.Duration
	// NoQuorum says that a server can be reached, but no quorum answers through
	// it. If it is false, no server can be reached, or the reason is not known.
	NoQuorum bool
	// Err is the failure of the last attempt to connect, or nil.
	Err error
}

func (e *TroubleError) Error() string {
	what := "no server answers"
	if e.NoQuorum {
		what = "a server can be reached, but the ensemble has no quorum"
	}
	text := fmt.Sprintf("no answer for %v: %s", e.Silence.Round(time.Second), what)
	if e.Err != nil {
		text += fmt.Sprintf(" (%v)", e.Err)
	}
	return text
}

func (e *TroubleError) Unwrap() error { return e.Err }

// outage is a time without an answer.
type outage struct {
	sm         *core.Manager
	began      time.Time
	notServing bool // a server has closed a connection without a session since
	reported   bool
	noQuorum   bool // the NoQuorum that was yielded last
}

// record records how servers fail at present.
func (s *outage) record() {
	s.notServing = s.notServing || errors.Is(s.sm.LastFailure(), core.ErrNotServing)
}

// trouble returns the error to yield, or nil if it was yielded already. A
// server that accepts the connection and does not answer has no quorum, or does
// not reach it.
func (s *outage) trouble(confirmed time.Time) *TroubleError {
	noQuorum := s.notServing || s.sm.State() == core.Connected
	if s.reported && s.noQuorum == noQuorum {
		return nil
	}
	s.reported, s.noQuorum = true, noQuorum
	return &TroubleError{confirmed, time.Since(s.began), noQuorum, s.sm.LastFailure()}
}

// probePauses are the pauses between unanswered questions.
var probePauses = backoff.Backoff{Min: 50 * time.Millisecond, Max: time.Second}

// probe returns nil once a quorum has answered. The question is a transaction
// of one check. A deposed leader still answers reads and syncs, but no
// transaction, not even one that fails. ctx bounds the probe. Errors: the error
// of ctx; session.ErrClosed.
func probe(ctx context.Context, sm *core.Manager, path string) error {
	for tries := 0; ; tries++ {
		if err := probePauses.Wait(ctx, tries-1); err != nil {
			return err
		}
		s, err := sm.Session(ctx)
		if err != nil {
			return err
		}
		err = ask(ctx, s, path)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil, errors.Is(err, core.ErrClosed):
			return err
		}
	}
}

// ask asks a quorum in one session, and returns nil if it has answered. The
// session's server has caught up with the leader then.
func ask(ctx context.Context, s *core.Session, path string) error {
	if path == "/" || strings.HasPrefix(path+"/", "/zookeeper/") {
		path = "/docent-probe" // the root and the servers' own nodes cannot be checked, and a node need not exist
	}
	_, err := s.Txn(ctx, core.CheckOp(path, core.AnyVersion))
	if gone(err) || refused(err) {
		return nil
	}
	return err
}
