package lock

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/session"
)

// ErrRevoked is the cause with which the context of Do ends when somebody asks
// for the lock, and the lock is Revocable. The hold goes on until Do's function
// has returned.
var ErrRevoked = errors.New("the lock is asked for: its holder is to give it up")

// revokeMessage is what Curator's Revoker writes into the holder's node.
const revokeMessage = "__REVOKE__"

// Revocable has the context of Do's function end with ErrRevoked when somebody
// asks for the lock, by Revoke here or by Curator's Revoker. The hold itself
// lasts until the function has returned: it can put things in order first.
// Those who use Lock look at Hold.Revoked instead, which needs no option.
func Revocable() Option { return func(o *options) { o.revocable = true } }

// Revoked returns a channel that is closed when somebody asks for the lock, by
// Revoke here or by Curator's Revoker. It is a request: the hold goes on until
// it is released. All calls return the same channel.
func (h *Hold) Revoked() <-chan struct{} { return h.revocation().Done() }

// revocation returns a context that ends when the lock is asked for.
func (h *Hold) revocation() context.Context {
	h.listen.Do(func() {
		asked, cancel := context.WithCancel(context.Background())
		h.asked = asked
		h.Node().OnWrite(func(data []byte) {
			if string(data) == revokeMessage {
				cancel()
			}
		})
	})
	return h.asked
}

// untilRevoked returns ctx as it ends when the lock is asked for, and stop with
// what that adds to it.
func (h *Hold) untilRevoked(ctx context.Context, stop func()) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	unlink := context.AfterFunc(h.revocation(), func() { cancel(ErrRevoked) })
	return ctx, func() {
		unlink()
		cancel(context.Canceled)
		stop()
	}
}

// Revoke asks the contender whose node stands at path to give the lock up: it
// writes "__REVOKE__" into the node, as Curator's Revoker does. What the node
// held is lost with that, so Holders knows no more than the session of a
// contender that was asked. Contender.Path is such a path; the Revoke methods ask all
// who hold.
//
// It does not wait for what becomes of the request. A contender that has gone
// has given up: that is no error. The node that stands at path when Revoke looks
// is the one that is asked, and not the next holder's at the same path.
//
// ctx bounds the requests. Errors: ctx's; session.ErrClosed; an invalid path;
// zk.ErrNoAuth when we may not write the node; session.ErrUnknownOutcome when the
// answer was lost and others have written into the node since.
func Revoke(ctx context.Context, sm *session.Manager, path string) error {
	err := revoke(ctx, sm, path)
	if err != nil {
		return fmt.Errorf("revoke %s: %w", path, err)
	}
	return nil
}

func revoke(ctx context.Context, sm *session.Manager, path string) error {
	for {
		s, err := sm.Session(ctx)
		if err != nil {
			return err
		}
		seen, found, err := s.Exists(ctx, path)
		if err == nil && found {
			_, err = s.SetExact(ctx, path, []byte(revokeMessage), seen.Czxid)
		}
		switch {
		case err == nil, errors.Is(err, zk.ErrNoNode):
			return nil // in doubt as well: the node that was asked has gone
		case errors.Is(err, session.ErrUnknownOutcome), !errors.Is(err, session.ErrSessionEnded), ctx.Err() != nil:
			return err
		}
	}
}

// Revoke asks whoever holds the lock to give it up, and returns who was asked.
// See the function Revoke.
func (m *Mutex) Revoke(ctx context.Context) ([]Contender, error) {
	return revokeAll(ctx, m.sm, m.Holders)
}

// Revoke asks all who hold the lock, readers or a writer, to give it up, and
// returns who was asked. See the function Revoke.
func (m *RWMutex) Revoke(ctx context.Context) ([]Contender, error) {
	return revokeAll(ctx, m.sm, m.Holders)
}

func revokeAll(ctx context.Context, sm *session.Manager, holders func(context.Context) ([]Contender, error)) ([]Contender, error) {
	all, err := holders(ctx)
	if err != nil {
		return nil, err
	}
	for i, c := range all {
		if err := Revoke(ctx, sm, c.Path); err != nil {
			return all[:i], err
		}
	}
	return all, nil
}
