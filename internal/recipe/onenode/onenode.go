package onenode

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/recognise"
	"github.com/docent-go/docent/internal/recipe/waitqueue"
)

// Config says which node to use.
type Config struct {
	// Manager provides the sessions that make the node.
	Manager *core.Manager
	// Path is the node's path. Missing parents are made.
	Path string
	// Data is the node's data while it is ours.
	Data []byte
	// Whose describes the owner of the node for errors. The default is its path.
	Whose func(path string, data []byte) string
}

// Node is the one node at a path. It keeps no state of an acquisition and is
// safe for concurrent use.
type Node struct {
	m     *core.Manager
	path  string
	data  []byte
	whose func(path string, data []byte) string
	err   error
}

// New returns the node at a path. It does no I/O. An invalid path is reported
// by every call.
func New(cfg Config) *Node {
	n := &Node{m: cfg.Manager, path: cfg.Path, data: cfg.Data, whose: cfg.Whose, err: znode.Validate(cfg.Path)}
	if n.whose == nil {
		n.whose = func(path string, _ []byte) string { return path }
	}
	return n
}

// Path returns the path of the node.
func (n *Node) Path() string {
	n.made()
	return n.path
}

// made panics if the recipe was not made by its constructor.
func (n *Node) made() {
	misuse.ZeroValue(n == nil, "lock or election", "its constructor, such as lock.NewOneNode or election.New")
}

// Acquire blocks until the node is ours, in a later session if need be. The
// token is the zxid of the node's create.
//
// ctx bounds the wait alone, not the hold. If ctx ends first, the error matches
// both ctx.Err() and context.Cause(ctx). A node that may have been made is
// removed in the background. Other errors: core.ErrNotEphemeral, for a node
// that no session's end would ever delete; core.ErrClosed; a *znode.PathError;
// and what the server answers, such as core.ErrNoAuth.
func (n *Node) Acquire(ctx context.Context) (*core.Hold, error) { return n.enter(ctx, true) }

// Try is Acquire without the wait. It returns waitqueue.ErrTaken if another session
// owns the node, or another contender of this session has the claim. ctx bounds
// the requests.
func (n *Node) Try(ctx context.Context) (*core.Hold, error) { return n.enter(ctx, false) }

func (n *Node) enter(ctx context.Context, wait bool) (*core.Hold, error) {
	n.made()
	if n.err != nil {
		return nil, n.err
	}
	over := n.m.Waiting(ctx, n.path, !wait)
	h, err := waitqueue.InSessions(ctx, n.m, func(s *core.Session) (*core.Hold, error) { return n.attempt(ctx, s, wait) })
	over(h, err)
	return h, err
}

// attempt acquires the node within one session.
func (n *Node) attempt(ctx context.Context, s *core.Session, wait bool) (*core.Hold, error) {
	claim := s.TryClaim
	if wait {
		claim = s.Claim
	}
	for {
		node, err := claim(ctx, n.path, n.data)
		switch {
		case err == nil:
			return hold(ctx, node)
		case !errors.Is(err, core.ErrNodeExists):
			return nil, err
		case !wait:
			return nil, n.taken(ctx, s)
		}
		if err := n.awaitDeletion(ctx, s); err != nil {
			return nil, err
		}
	}
}

// hold begins the hold on a node that we have made. The watched read gives the
// token, and its watch fires when another client deletes the node.
func hold(ctx context.Context, node *core.Node) (*core.Hold, error) {
	stat, err := node.Watch(ctx)
	if err == nil {
		err = ctx.Err()
	}
	var h *core.Hold
	if err == nil {
		h, err = node.Hold(ctx, stat.Czxid)
	}
	if err != nil {
		node.Abandon()
		return nil, err
	}
	return h, nil
}

// taken is the error of a Try that finds the node taken.
func (n *Node) taken(ctx context.Context, s *core.Session) error {
	node, err := s.See(ctx, n.path)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return waitqueue.ErrTaken // it has gone meanwhile
	case err != nil:
		return err
	case core.Lasting(node.Stat):
		return n.notEphemeral(ctx, s, node.Stat)
	}
	return &waitqueue.TakenError{By: n.whose(n.path, node.Data)}
}

// lister is a session, or a Manager with the current one.
type lister interface {
	Children(ctx context.Context, path string) ([]string, core.Stat, error)
}

// notEphemeral returns the error of a node that belongs to no session. A node
// that has or had children is in use: the error must not advise to delete it.
// Its children tell which recipe uses it.
func (n *Node) notEphemeral(ctx context.Context, s lister, stat core.Stat) error {
	if stat.NumChildren == 0 && stat.Cversion == 0 {
		return core.ErrNotEphemeral
	}
	children, _, err := s.Children(ctx, n.path)
	if err != nil {
		return directory{} // the answer is the same without a name
	}
	return directory{recognise.Directory(children)}
}

// directory is the core.ErrNotEphemeral of a directory. what describes it, or is
// empty.
type directory struct{ what string }

func (d directory) Error() string {
	return "the znode is not ephemeral: " + cmp.Or(d.what, "it is a directory") + "; choose another path"
}

func (directory) Is(target error) bool { return target == core.ErrNotEphemeral }

// awaitDeletion waits until the node is deleted. It watches by reading the
// data, which leaves no watch if the node is deleted already. For a hidden
// node, the session reads again from time to time.
func (n *Node) awaitDeletion(ctx context.Context, s *core.Session) error {
	for {
		node, watch, err := s.SeeW(ctx, n.path)
		switch {
		case errors.Is(err, core.ErrNoNode):
			return nil
		case err != nil:
			return fmt.Errorf("waiting for %s: %w", n.path, err)
		case core.Lasting(node.Stat):
			watch.Stop()
			return n.notEphemeral(ctx, s, node.Stat)
		}
		select {
		case <-watch.Done():
		case <-ctx.Done():
		case <-s.Done():
		}
		watch.Stop()
		// Several of these may have happened. An end of the wait has precedence
		// over its success.
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("waiting for %s: %w", n.whose(n.path, node.Data), err)
		}
		if err := s.Err(); err != nil {
			return fmt.Errorf("waiting for %s: %w", n.whose(n.path, node.Data), err)
		}
		if watch.Event() == core.NodeDeleted {
			return nil
		}
	}
}

// Current returns the node with its data, or false if it does not exist. For a
// node that belongs to no session, it returns core.ErrNotEphemeral. ctx bounds
// the reads.
func (n *Node) Current(ctx context.Context) (waitqueue.Contender, bool, error) {
	n.made()
	if n.err != nil {
		return waitqueue.Contender{}, false, n.err
	}
	node, err := n.m.See(ctx, n.path)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return waitqueue.Contender{}, false, nil
	case err != nil:
		return waitqueue.Contender{}, false, ctxend.Join(ctx, err)
	case core.Lasting(node.Stat):
		return waitqueue.Contender{}, false, n.notEphemeral(ctx, n.m, node.Stat)
	}
	return n.contender(node), true, nil
}

func (n *Node) contender(node core.Sighting) waitqueue.Contender {
	return waitqueue.Contender{Path: n.path, Data: node.Data, Stat: node.Stat, Hidden: node.Hidden}
}

// CurrentW is Current within one session, with a watch that fires when the node
// is made, written to or deleted. The caller stops the watch. With an error, no
// watch is returned, except with core.ErrNotEphemeral.
func (n *Node) CurrentW(ctx context.Context, s *core.Session) (waitqueue.Contender, bool, *core.Watch, error) {
	n.made()
	if n.err != nil {
		return waitqueue.Contender{}, false, nil, n.err
	}
	for {
		node, watch, err := s.SeeW(ctx, n.path)
		switch {
		case err == nil && core.Lasting(node.Stat):
			return waitqueue.Contender{}, false, watch, n.notEphemeral(ctx, s, node.Stat)
		case err == nil:
			return n.contender(node), true, watch, nil
		}
		if !errors.Is(err, core.ErrNoNode) {
			return waitqueue.Contender{}, false, nil, err
		}
		_, found, watch, err := s.ExistsW(ctx, n.path)
		if err != nil || !found {
			return waitqueue.Contender{}, false, watch, err
		}
		watch.Stop() // the node was made after the read: read again
	}
}
