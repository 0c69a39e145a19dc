package lock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/oneline"
	"github.com/docent-go/docent/internal/znode"
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
func (h *Hold) Revoked() <-chan struct{} {
	h.made()
	return h.revocation().Done()
}

// revocation returns a context that ends when the lock is asked for.
func (h *Hold) revocation() context.Context {
	h.listen.Do(func() {
		asked, cancel := context.WithCancel(context.Background())
		h.asked = asked
		bridge.CoreHold(&h.Hold).OnWrite(func(data []byte) {
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

// ErrNotContender is returned by Revoke for a znode that no lock has made:
// Revoke does not overwrite what belongs to another recipe or program.
var ErrNotContender = errors.New("the znode is not a contender of a lock: give the path of a contender, as Holders lists it")

// Revoke asks the contender whose node stands at path to give the lock up: it
// writes "__REVOKE__" into the node, as Curator's Revoker does. What the node
// held is lost with that, so Holders knows no more than the session of a
// contender that was asked. Contender.Path is such a path; the Revoke methods ask all
// who hold.
//
// Revoke writes only into an ephemeral node that is named as a contender of a
// lock, or that holds what an Exclusive writes. The node that exists at path when
// Revoke looks is the one that is asked, and not the next holder's at the same
// path. Revoke does not wait for what becomes of the request. A contender that
// has gone has given up: that is no error. It is safe for concurrent use.
//
// ctx bounds the requests. Errors: ErrNotEphemeral and ErrNotContender, which
// leave the znode as it is; ctx's; session.ErrClosed; an invalid path;
// session.ErrNoAuth when we may not read or write the node;
// session.ErrUnknownOutcome when the answer was lost and others have written
// into the node since.
func Revoke(ctx context.Context, sm *session.Manager, path string) error {
	err := revoke(ctx, bridge.Core(sm), path)
	if err != nil {
		return fmt.Errorf("revoke %s: %w", path, err)
	}
	return nil
}

func revoke(ctx context.Context, sm *core.Manager, path string) error {
	return revokeContender(ctx, sm, line.Contender{Path: path, Hidden: true})
}

// revokeContender asks a contender as it was just read. It reads a node that was
// hidden, and reads again if the session ends meanwhile.
func revokeContender(ctx context.Context, sm *core.Manager, c line.Contender) error {
	for read := !c.Hidden; ; read = false {
		s, err := sm.Session(ctx)
		if err != nil {
			return err
		}
		if read {
			err = revokeSeen(ctx, s, c.Path, c.Data, c.Stat)
		} else {
			err = revokeIn(ctx, s, c.Path)
		}
		switch {
		case err == nil, errors.Is(err, core.ErrNoNode):
			return nil // in doubt as well: the node that was asked has gone
		case errors.Is(err, core.ErrUnknownOutcome), !errors.Is(err, core.ErrSessionEnded), ctx.Err() != nil:
			return err
		}
	}
}

// revokeIn asks the contender at path within one session. The Sync comes first:
// to a server that lags, a new contender would count as gone.
func revokeIn(ctx context.Context, s *core.Session, path string) error {
	if err := s.Sync(ctx, path); err != nil {
		return err
	}
	data, seen, err := s.Get(ctx, path)
	if err != nil {
		return err
	}
	return revokeSeen(ctx, s, path, data, seen)
}

// revokeSeen asks the contender whose node was read. Another node at the path is
// left alone.
func revokeSeen(ctx context.Context, s *core.Session, path string, data []byte, seen core.Stat) error {
	if err := revocable(path, data, seen); err != nil {
		return err
	}
	_, err := s.SetOver(ctx, path, []byte(revokeMessage), seen)
	if errors.Is(err, core.ErrBadVersion) { // others have written into it, or it is another node
		_, err = s.SetExact(ctx, path, []byte(revokeMessage), seen.Czxid)
	}
	return err
}

// revocable reports whether a node may be written to: nil, or why not.
func revocable(path string, data []byte, stat core.Stat) error {
	if stat.EphemeralOwner == 0 {
		return ErrNotEphemeral
	}
	_, name := znode.Split(path)
	if _, inLine := znode.ParseSeq(name, mutexTag, kazooTag, readTag, writeTag); inLine || string(data) == revokeMessage {
		return nil
	}
	var who owner
	if json.Unmarshal(data, &who) != nil || who.ID == "" || who.Host == "" || who.PID == 0 {
		return fmt.Errorf("%w; session 0x%x has made it", ErrNotContender, uint64(stat.EphemeralOwner))
	}
	return nil
}

// Revoke asks whoever holds the lock to give it up, and returns who was asked.
// See the function Revoke.
func (m *Mutex) Revoke(ctx context.Context) ([]Contender, error) {
	m.made()
	return revokeAll(ctx, m.sm, m.path, m.holders, describeAll)
}

// Revoke asks all who hold the lock, readers or a writer, to give it up, and
// returns who was asked. See the function Revoke.
func (m *RWMutex) Revoke(ctx context.Context) ([]Contender, error) {
	m.made()
	return revokeAll(ctx, m.sm, m.path, m.holders, describeModes)
}

// revokeAll asks all holders. A node that is not a contender's does not keep the
// others from being asked. After the sync, the server has heard of all who hold.
func revokeAll(ctx context.Context, sm *core.Manager, path string,
	holders func(context.Context) ([]line.Contender, error), describe func([]line.Contender) []Contender) ([]Contender, error) {
	if err := sm.Sync(ctx, path); err != nil {
		return nil, fmt.Errorf("revoke %s: %w", path, err)
	}
	all, err := holders(ctx)
	if err != nil {
		return nil, err
	}
	var asked []line.Contender
	var errs []error
	for _, c := range all {
		err := revokeContender(ctx, sm, c)
		if err == nil {
			asked = append(asked, c)
			continue
		}
		errs = append(errs, fmt.Errorf("revoke %s: %w", c.Path, err))
		if !errors.Is(err, ErrNotEphemeral) && !errors.Is(err, ErrNotContender) {
			break
		}
	}
	return describe(asked), oneline.Join(errs...)
}
