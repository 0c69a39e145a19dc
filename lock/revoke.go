package lock

import (
	"context"
	"errors"

	"github.com/docent-go/docent/internal/base/oneline"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/internal/recipe/recognise"
	"github.com/docent-go/docent/internal/recipe/waitqueue"
	"github.com/docent-go/docent/session"
)

// ErrRevoked is the cause with which the context of Do's function ends when the
// lock is asked for and is Revocable. The hold lasts until the function has
// returned.
var ErrRevoked = errors.New("another client has asked for the lock: release it")

// revokeMessage is what Curator's Revoker writes into the holder's znode.
const revokeMessage = "__REVOKE__"

// Revocable has the context of Do's function end with ErrRevoked when the lock
// is asked for, by Revoke or by Curator's Revoker. The hold itself lasts until
// the function has returned, so that the function can clean up. With Lock, use
// Hold.Revoked instead, which needs no option.
func Revocable() LockOption { return option(func(o *options) { o.revocable = true }) }

// Revoked returns a channel that is closed when the lock is asked for, by
// Revoke or by Curator's Revoker. It is a request: the hold lasts until it is
// released. All calls return the same channel.
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

// untilRevoked returns a child of ctx that also ends when the lock is asked
// for, and a stop that frees both.
func (h *Hold) untilRevoked(ctx context.Context, stop func()) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	unlink := context.AfterFunc(h.revocation(), func() { cancel(ErrRevoked) })
	return ctx, func() {
		unlink()
		cancel(context.Canceled)
		stop()
	}
}

// Revoke asks the contender with the znode at path to release the lock: it
// writes "__REVOKE__" into the znode, as Curator's Revoker does. That replaces
// what the znode held, so Holders returns no ID, Host or PID for a contender
// that was asked. Use a Contender.Path for path. The Revoke methods ask all
// holders.
//
// Revoke writes only into an ephemeral znode that has the name of a lock's
// contender, or that holds what a OneNode writes. It asks the owner of the
// znode that exists when Revoke looks, and not the next holder at the same
// path. It does not wait for the release. If the contender's znode is gone,
// Revoke returns nil. It is safe for concurrent use.
//
// ctx bounds the requests. Errors: session.ErrNotEphemeral, and
// session.ErrForeign for a znode of another recipe or program, which leave the
// znode as it is; ctx's; session.ErrClosed; an invalid path; session.ErrNoAuth
// if the znode may not be read or written; session.ErrUnknownOutcome if the
// answer was lost and other clients have written to the znode since.
func Revoke(ctx context.Context, sm *session.Manager, path string) error {
	return revoke(ctx, bridge.Core(sm), waitqueue.Contender{Path: path, Hidden: true})
}

func revoke(ctx context.Context, sm *core.Manager, c waitqueue.Contender) error {
	return core.Failed(opRevoke, c.Path, revokeContender(ctx, sm, c))
}

const opRevoke = "revoke"

// revokeContender asks a contender that was just read. It reads a hidden znode
// itself, and reads again if the session ends meanwhile.
func revokeContender(ctx context.Context, sm *core.Manager, c waitqueue.Contender) error {
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
			return nil // even with an unknown outcome: the contender that was asked has gone
		case errors.Is(err, core.ErrUnknownOutcome), !errors.Is(err, core.ErrSessionEnded), ctx.Err() != nil:
			return err
		}
	}
}

// revokeIn asks the contender at path within one session. The Sync comes first:
// a server that lags may not know a new contender yet.
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

// revokeSeen asks the contender whose znode was read. Another znode at the path
// is left alone.
func revokeSeen(ctx context.Context, s *core.Session, path string, data []byte, seen core.Stat) error {
	if err := revocable(path, data, seen); err != nil {
		return err
	}
	_, err := s.SetOver(ctx, path, []byte(revokeMessage), seen)
	if errors.Is(err, core.ErrBadVersion) { // another client has written to it, or it is another znode
		_, err = s.SetExact(ctx, path, []byte(revokeMessage), seen.Czxid)
	}
	return err
}

// revocable returns nil if a znode may be written to, and the reason otherwise.
func revocable(path string, data []byte, stat core.Stat) error {
	if stat.EphemeralOwner == 0 {
		return core.ErrNotEphemeral
	}
	_, name := znode.Split(path)
	if _, inLine := znode.ParseSeq(name, mutexTag, kazooTag, readTag, writeTag); inLine || string(data) == revokeMessage {
		return nil
	}
	d, ours := owner.Parse(data)
	switch recognise.KindOf(name) {
	case recognise.Latch, recognise.Lease, recognise.Call, recognise.Item, recognise.Letter, recognise.Value:
		ours = false
	}
	if !ours || d.ID == "" || d.Visit != "" || d.Claim != "" {
		return core.Foreign("session %v has made it, and it is not a contender of a lock, such as Holders lists them",
			session.ID(stat.EphemeralOwner))
	}
	return nil
}

// Revoke asks the holder to release the lock, and returns the contender that
// was asked. ctx bounds the requests. See the function Revoke.
func (m *Mutex) Revoke(ctx context.Context) ([]Contender, error) {
	m.made()
	return revokeAll(ctx, m.sm, m.path, m.holders, describeAll)
}

// Revoke asks all holders, readers or a writer, to release the lock, and
// returns the contenders that were asked. ctx bounds the requests. See the
// function Revoke.
func (m *RWMutex) Revoke(ctx context.Context) ([]Contender, error) {
	m.made()
	return revokeAll(ctx, m.sm, m.path, m.holders, describeModes)
}

// revokeAll asks all holders. If a znode is not a contender's, revokeAll still
// asks the others. After the sync, the server knows all holders.
func revokeAll(ctx context.Context, sm *core.Manager, path string,
	holders func(context.Context) ([]waitqueue.Contender, error), describe func([]waitqueue.Contender) []Contender) ([]Contender, error) {
	if err := sm.Sync(ctx, path); err != nil {
		return nil, core.Failed(opRevoke, path, err)
	}
	all, err := holders(ctx)
	if err != nil {
		return nil, core.Failed(opRevoke, path, err)
	}
	var asked []waitqueue.Contender
	var errs []error
	for _, c := range all {
		err := revoke(ctx, sm, c)
		if err == nil {
			asked = append(asked, c)
			continue
		}
		errs = append(errs, err)
		if !errors.Is(err, core.ErrNotEphemeral) && !errors.Is(err, core.ErrForeign) {
			break
		}
	}
	return describe(asked), core.Failed(opRevoke, path, oneline.Join(errs...))
}
