package standing

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/recognise"
)

// rival is the node of another process at our path, and the end of the wait for
// it.
type rival struct {
	czxid int64
	until time.Time
}

// ownedBy adds to a reason the session that owns the node at our path, if it is
// known.
func ownedBy(reason error, owner int64) error {
	if owner == 0 {
		return reason
	}
	return fmt.Errorf("%w (session %v)", reason, core.SessionID(owner))
}

// contest handles a node at our path that our session does not own.
func (r *round) contest(seen sighting) error {
	stat := seen.stat
	owner := stat.EphemeralOwner
	switch {
	case r.ctx.Err() != nil:
		return nil // closed: no node is to be replaced
	case owner == 0:
		return cmp.Or(r.cfg.NotEphemeral, core.ErrNotEphemeral)
	case r.cfg.Manager.Opened(owner):
		return r.replace(stat)
	}
	replaces := r.replaces(seen.data)
	if replaces {
		switch newest, err := r.outranks(stat); {
		case errors.Is(err, errChanged):
			return nil
		case err != nil:
			return err
		case newest:
			return r.replace(stat)
		}
	}
	if r.stood || replaces {
		r.replaced, r.stood = true, false
		r.barred(ownedBy(core.ErrReplaced, owner))
		return nil
	}
	if r.rival.czxid != stat.Czxid {
		r.rival.czxid = stat.Czxid
		r.rival.until = time.Now().Add(r.rivalTimeout())
	}
	if left := time.Until(r.rival.until); left > 0 && !r.replaced {
		r.wait(left)
		return nil
	}
	taken := ownedBy(core.ErrIDTaken, owner)
	if r.opening {
		return taken
	}
	r.barred(taken)
	return nil
}

// replaces reports whether the policy is Replace, and the node may be of the
// same kind as ours. Another recipe's node is waited for.
func (r *round) replaces(data []byte) bool {
	_, name := znode.Split(r.path)
	return r.cfg.Conflict == Replace && recognise.KindOf(name) == recognise.Unknown &&
		(r.cfg.Kin == nil || r.cfg.Kin(data))
}

// barred waits, without a limit, until another process's node is deleted.
func (r *round) barred(why error) {
	if old := r.State(); old.Standing() || !errors.Is(old.Err, core.ErrReplaced) {
		r.away(why)
	}
	r.refuse(everyone, r.State().Err)
	r.wait(0)
}

// rivalTimeout is how long Wait waits for the node of a crashed process. The
// session of such a process lasts for its timeout, rounded up to a tick. A tick
// is at most half of the shortest timeout that servers grant.
func (r *round) rivalTimeout() time.Duration {
	if r.cfg.Conflict == Refuse {
		return 0
	}
	return r.s.Timeout() * 3 / 2
}

// replace puts our node in the place of another.
func (r *round) replace(stat core.Stat) error {
	data, rev := r.wanted()
	_, err := r.s.Txn(always, replacement(r.path, data, stat.Version, r.mark())...)
	switch {
	case err == nil:
		r.written = rev
		return nil
	case errors.Is(err, core.ErrUnknownOutcome):
		r.written, r.doubt = 0, true
		return nil
	case errors.Is(err, core.ErrBadVersion), errors.Is(err, core.ErrNoNode), errors.Is(err, core.ErrNodeExists):
		return nil // another node has taken the path already
	}
	return err
}

// replacement is the transaction that replaces the node with the given version
// by ours.
//
// Our node gets another version. The replaced process may have a write under
// way that names its node's version. A server has no other condition to tell
// the two nodes apart.
func replacement(path string, data []byte, version int32, mark []core.ACL) []core.Op {
	remove := core.DeleteOp(path, version)
	if version != 0 {
		return []core.Op{remove, core.CreateOp(path, data, core.Ephemeral).WithACL(mark...)}
	}
	return []core.Op{
		remove,
		core.CreateOp(path, nil, core.Ephemeral).WithACL(mark...),
		core.SetOp(path, data, 0),
	}
}
