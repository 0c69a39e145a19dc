package standing

import (
	"cmp"
	"errors"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/recognise"
)

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
	r.rivalOf.Store(owner)
	if r.stood || replaces {
		r.replaced, r.stood = true, false
		r.barred(core.Replaced(owner))
		return nil
	}
	if r.cfg.Conflict != Refuse && !r.replaced {
		if left := r.rival.Left(stat.Czxid, r.s.Timeout()); left > 0 {
			r.wait(left)
			return nil
		}
	}
	taken := core.IDTaken(owner, false)
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
