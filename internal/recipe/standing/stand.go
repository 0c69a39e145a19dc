package standing

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// always is the context of the keeper's requests: they end with the session.
var always = context.Background()

// create makes the node. The next look shows the result.
func (r *round) create() error {
	if r.paced(); r.ctx.Err() != nil {
		return nil
	}
	mode := core.Ephemeral
	if r.cfg.Sequential {
		mode = core.EphemeralSequential
		if err := r.bury(); err != nil {
			return err
		}
	}
	data, rev := r.wanted()
	path, err := r.s.CreateWithACL(always, r.cfg.Path, data, mode, r.mark()...)
	switch {
	case err == nil && r.cfg.Sequential && r.claim(path) != r.Node:
		// Another keeper of this process lost the answer to its create, and has
		// claimed our node. Its own node may exist: this keeper may claim that
		// one.
		return r.find()
	case err == nil:
		r.path, r.maybe, r.written = path, true, rev
		return nil
	case errors.Is(err, core.ErrUnknownOutcome):
		r.written, r.doubt, r.maybe = 0, true, true
		return nil
	case errors.Is(err, core.ErrNodeExists) && !r.cfg.Sequential:
		r.written, r.maybe = 0, true
		return nil
	case errors.Is(err, core.ErrNoNode):
		dir, _ := znode.Split(r.cfg.Path)
		return r.s.EnsureDir(always, dir)
	}
	return err
}

// sighting is the node as a read showed it.
type sighting struct {
	gone bool
	data []byte
	stat core.Stat
}

// look reads the node and watches it.
func (r *round) look() (sighting, error) {
	if r.path == "" {
		if err := r.find(); err != nil || r.path == "" {
			return sighting{gone: true}, err
		}
	}
	if r.doubt {
		if err := r.s.Confirm(always, r.path); err != nil {
			return sighting{}, err
		}
		r.doubt = false
	}
	r.unwatch()
	data, stat, watch, err := r.s.GetW(always, r.path)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return sighting{gone: true}, nil
	case err != nil:
		return sighting{}, err
	}
	watch.CheckAlways()
	r.watch = watch
	return sighting{data: data, stat: stat}, nil
}

// recognise checks whether the node holds the newest data, if that is not
// known.
func (r *round) recognise(data []byte) {
	if r.written != 0 {
		return
	}
	if wanted, rev := r.wanted(); bytes.Equal(wanted, data) {
		r.written = rev
	}
}

// write writes data into our node. again says that the node has to be read
// first.
//
// The node is read right before the write. The event of its deletion may still
// be under way, and another session's node may exist at the same path with the
// same version.
func (r *round) write(data []byte, rev uint64) (again bool, err error) {
	if err := r.s.Sync(always, r.path); err != nil {
		return false, err
	}
	stat, found, err := r.s.StatOf(always, r.path)
	switch {
	case err != nil:
		return false, err
	case !found, stat.EphemeralOwner != r.s.ID():
		return true, nil
	}
	stat, err = r.s.Set(always, r.path, data, stat.Version)
	switch {
	case err == nil && stat.EphemeralOwner == r.s.ID():
		r.written = rev
		return false, nil
	case err == nil: // the write went into a node that has just taken our place
		return true, nil
	case errors.Is(err, core.ErrUnknownOutcome):
		r.written, r.doubt = 0, true
		return true, nil
	case errors.Is(err, core.ErrBadVersion), errors.Is(err, core.ErrNoNode):
		r.written = 0
		return true, nil
	}
	return false, err
}

// find looks for a sequential node of ours whose name is unknown, because the
// answer to its create was lost. Its name has no mark of ours. The node is ours
// if our session owns it and no other keeper of this process has claimed it.
func (r *round) find() error {
	dir, base := znode.Split(r.cfg.Path)
	if err := r.s.Confirm(always, dir); err != nil {
		return err
	}
	names, _, err := r.s.Children(always, dir)
	if err != nil && !errors.Is(err, core.ErrNoNode) {
		return err
	}
	for _, name := range names {
		path := znode.Join(dir, name)
		if !numbered(name, base) || r.claim(path) != r.Node {
			continue
		}
		stat, found, err := r.s.StatOf(always, path)
		if err == nil && found && stat.EphemeralOwner == r.s.ID() {
			r.path, r.maybe, r.doubt, r.written = path, true, false, 0
			return nil
		}
		r.unclaim(path)
		if err != nil {
			return err
		}
	}
	r.maybe, r.doubt = false, false
	return nil
}

// numbered reports whether name is base followed by a sequence number.
func numbered(name, base string) bool {
	number, ok := strings.CutPrefix(name, base)
	if !ok {
		return false
	}
	_, ok = znode.ParseSeq("#"+number, "#")
	return ok
}

// bury removes the sequential node of the previous session. Else it would exist
// beside the new one until a server expires it.
func (r *round) bury() error {
	if r.ghost == "" {
		return nil
	}
	stat, found, err := r.s.StatOf(always, r.ghost)
	if err != nil && !errors.Is(err, core.ErrNoAuth) { // a hidden node goes with its session
		return err
	}
	if found && stat.EphemeralOwner != r.s.ID() && r.cfg.Manager.Opened(stat.EphemeralOwner) {
		// If the server refuses the delete, the node goes with its session,
		// later.
		if err := r.s.Delete(always, r.ghost, stat.Version); ended(err) {
			return err
		}
	}
	r.ghost = ""
	return nil
}

// remove deletes our node. It returns nil once no node of ours exists. The
// event of a deletion by others may be under way. So remove reads the node
// first, and does not delete a successor's node at our path.
func (r *round) remove() error {
	if r.maybe && r.path == "" {
		if err := r.find(); err != nil {
			return err
		}
	}
	if !r.maybe {
		return nil
	}
	if _, err := r.s.DeleteOwned(always, r.path); err != nil {
		return err
	}
	r.maybe = false
	return nil
}
