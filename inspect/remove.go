package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
)

// ErrNotAbandoned says that RemoveAbandoned has left a znode alone: it is not
// marked as abandoned, or a session that exists owns it.
var ErrNotAbandoned = errors.New("the znode is not abandoned")

// RemoveAbandoned deletes the znode at path if Read marks it as abandoned
// (Header.Abandoned) and no session owns it. It reads the recipe of the znode
// again, after its server has caught up with the leader, and deletes in one
// transaction that proves what the read has shown:
//
//   - The znode has the data version that was read.
//   - No session owns it. An ephemeral znode exists as long as its session, so
//     RemoveAbandoned never deletes one. The transaction fails if the znode has
//     become ephemeral: then a live process has put it in the place of the
//     abandoned one.
//   - No child of the directory was created since the read, if another znode
//     with the same name might be rightful: an instance of a service, or the
//     "ready" of a double barrier.
//
// If a proof fails, RemoveAbandoned reads again, and decides again. It cannot
// know whether a process still relies on a znode that no session owns: only
// programs other than Docent make such contenders and claims.
//
// ctx bounds the call. RemoveAbandoned returns nil once the znode is gone. The
// error is a *session.OpError with one of these reasons: ErrNotAbandoned;
// session.ErrNoNode if nothing exists at path; session.ErrNotEmpty if the znode
// has children; session.ErrNoAuth without the rights to list the directory, to
// tell what the znode is, and to create and delete children of the directory;
// session.ErrBadVersion if other clients create children of the directory all
// the time; the error of ctx, with session.ErrUnknownOutcome if the znode may
// have been deleted; session.ErrClosed; an invalid path. It is safe for
// concurrent use.
func RemoveAbandoned(ctx context.Context, sm *session.Manager, path string) error {
	misuse.NilManager(sm == nil, "inspect.RemoveAbandoned")
	err := cmp.Or(znode.Validate(path), ctx.Err())
	if err == nil {
		err = removeAbandoned(ctx, bridge.Core(sm), path)
	}
	if err != nil {
		return core.Failed("remove", path, ctxend.Join(ctx, err))
	}
	return nil
}

// maxRemovals is how often RemoveAbandoned reads while others change what it
// reads.
const maxRemovals = 20

func removeAbandoned(ctx context.Context, sm *core.Manager, path string) error {
	var doubt, last error // doubt is the error of a delete that may have been done
	for tries := range maxRemovals {
		err := probePauses.Wait(ctx, tries-1)
		if err == nil && doubt != nil { // a delete of an earlier connection must not be executed after the read
			err = probe(ctx, sm, path)
		}
		switch {
		case err != nil && doubt != nil:
			return fmt.Errorf("%w; then: %w", doubt, err)
		case err != nil:
			return err
		}
		a, err := readAbandoned(ctx, sm, path)
		switch {
		case doubt != nil && gone(err):
			return nil
		case doubt != nil && err != nil && !errors.Is(err, ErrNotAbandoned):
			return fmt.Errorf("%w; then: %w", doubt, err)
		case err != nil:
			return err
		}
		s, err := sm.Session(ctx)
		if err != nil {
			return err
		}
		doubt = nil
		switch last = a.remove(ctx, s); {
		case last == nil:
			return nil
		case errors.Is(last, core.ErrUnknownOutcome):
			doubt = last
		case errors.Is(last, core.ErrNoNode), errors.Is(last, core.ErrBadVersion),
			errors.Is(last, core.ErrNoChildrenForEphemerals), errors.Is(last, core.ErrSessionEnded):
			// The znode or its directory has changed since the read.
		default:
			return last
		}
	}
	if doubt != nil {
		return doubt
	}
	return fmt.Errorf("%w: other clients have changed it or its directory in each of %d attempts; try again later (%w)", core.Explain(core.ErrBadVersion), maxRemovals, last)
}

// abandoned is a node that is marked and that no session owns, as it was read.
type abandoned struct {
	*node
	// rival says that another node with the same name might be rightful.
	rival bool
}

// remove deletes the node as it was read.
func (a *abandoned) remove(ctx context.Context, s *core.Session) error {
	remove := core.DeleteOp(a.path, a.stat.Version)
	if !a.rival {
		_, err := s.Txn(ctx, append(core.RequirePersistent(a.path), remove)...)
		if i, refused := core.RefusedOp(err); !refused || i > 1 || !errors.Is(err, core.ErrNoAuth) {
			return err
		}
		// The node's ACL denies the proof. The proof of its directory is enough:
		// the node is the one that was read.
	}
	_, err := s.Txn(ctx, append(core.RequireNoCreates(a.parent.path, a.parent.stat), remove)...)
	return err
}

// readAbandoned reads the node at path with its recipe. The error says why the
// node must stay.
func readAbandoned(ctx context.Context, sm *core.Manager, path string) (*abandoned, error) {
	dir, name := znode.Split(path)
	top, parent, err := readAround(ctx, sm, dir)
	if err != nil {
		return nil, err
	}
	var n *node
	if parent != nil {
		n = parent.kid(name)
	}
	if n == nil {
		return nil, unread(ctx, sm, path, parent)
	}
	for _, f := range findings(top, func(*node) {}) {
		marks := f.Head().Abandoned
		i := slices.IndexFunc(marks, func(m Mark) bool { return m.Path == path })
		if i < 0 {
			continue
		}
		if n.ephemeral() {
			return nil, fmt.Errorf("%w: %s, but session %v owns it, and exists; end the process of that session, and the znode goes with it",
				ErrNotAbandoned, marks[i].Reason, session.ID(n.stat.EphemeralOwner))
		}
		rival := false
		switch f := f.(type) {
		case *Service:
			rival = true
		case *Double:
			rival = true
			if f.joined() {
				return nil, fmt.Errorf("%w: %s, but members have come since that may count on it; they delete it when they leave",
					ErrNotAbandoned, marks[i].Reason)
			}
		}
		return &abandoned{n, rival}, nil
	}
	return nil, notMarked(n)
}

// readAround reads a directory, and the directories beside it that belong to its
// recipe, from the node above. If that node may not be listed, it reads the
// directory alone. A missing directory is nil.
func readAround(ctx context.Context, sm *core.Manager, dir string) (top, at *node, err error) {
	o := newOptions("inspect.RemoveAbandoned", nil)
	o.limit, o.children, o.depth = DefaultNames, DefaultNames, 1
	if dir != "/" {
		beside := o
		beside.depth, beside.scope = 2, newScope(relatives(dir))
		above, name := znode.Split(dir)
		if top, err = newScan(sm, beside, nil).walk(ctx, above); err != nil || top == nil {
			return nil, nil, err
		}
		if top.hidden == "" {
			return top, top.kid(name), nil
		}
	}
	top, err = newScan(sm, o, nil).walk(ctx, dir)
	return top, top, err
}

// relatives returns the paths of the directories that tell, together with dir,
// which recipe the children of dir belong to.
func relatives(dir string) []string {
	above, name := znode.Split(dir)
	names := []string{"items", "claims", "dead", "guards", "entries", "taken", "leases", "locks", "members", "party"}
	base := name
	for _, suffix := range []string{"-" + kazooLock, "-claims"} {
		base = strings.TrimSuffix(base, suffix)
	}
	names = append(names, name, base, base+"-"+kazooLock, base+"-claims", base+"-dead", base+"-guards")
	for i := range names {
		names[i] = znode.Join(above, names[i])
	}
	return names
}

// unread returns the error of a node that the scan has not read.
func unread(ctx context.Context, sm *core.Manager, path string, dir *node) error {
	s := newScan(sm, newOptions("inspect.RemoveAbandoned", nil), nil)
	_, found, err := s.stat(ctx, path)
	switch {
	case err != nil:
		return err
	case !found:
		return core.ErrNoNode
	case dir == nil, dir.hidden != "":
		return core.ErrNoAuth
	}
	if dir.reason == "" { // the recipe of the directory needs no look at this child
		return errUnmarked
	}
	return fmt.Errorf("%w as far as it can be read: %s", ErrNotAbandoned, dir.reason)
}

// notMarked says why a node without a mark stays.
func notMarked(n *node) error {
	switch {
	case n.ephemeral():
		return fmt.Errorf("%w: session %v owns it, and exists; end the process of that session, and the znode goes with it",
			ErrNotAbandoned, session.ID(n.stat.EphemeralOwner))
	case n.hidden != "":
		return core.ErrNoAuth
	}
	return errUnmarked
}

// errUnmarked says that a node is not marked.
var errUnmarked = fmt.Errorf("%w: nothing shows that it is left over from a recipe; \"docent inspect\" marks with a ! what is", ErrNotAbandoned)

// joined reports whether members have come to a barrier whose "ready" names no
// members: other libraries let such members in at once.
func (f *Double) joined() bool {
	return !f.named && slices.ContainsFunc(f.Waiting, func(o Owner) bool { return o.Layout != Docent })
}
