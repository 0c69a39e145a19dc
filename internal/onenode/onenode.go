package onenode

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/znode"
)

// ErrNotEphemeral says that the node at the path belongs to no session: it
// would never go away by itself, so nobody waits for that.
var ErrNotEphemeral = errors.New("the node that stands there is not ephemeral: it is no holder's, and has to be deleted by hand")

// Config says which node it is.
type Config struct {
	// Manager gives the sessions that make the node.
	Manager *core.Manager
	// Path is the node's. Those above it are made where they are missing.
	Path string
	// Data is what the node holds when it is ours.
	Data []byte
}

// Node is the one node. It keeps nothing of a single acquisition and is safe for
// concurrent use.
type Node struct {
	m    *core.Manager
	path string
	data []byte
	err  error
}

// New returns the node at a path. It does no I/O. A path that cannot be used is
// reported by every call.
func New(cfg Config) *Node {
	return &Node{m: cfg.Manager, path: cfg.Path, data: cfg.Data, err: znode.Validate(cfg.Path)}
}

// Path returns the path of the node.
func (n *Node) Path() string {
	n.made()
	return n.path
}

// made panics for the node of a recipe that its constructor has not made.
func (n *Node) made() {
	misuse.ZeroValue(n == nil, "lock or election", "its constructor, such as lock.NewExclusive or election.New")
}

// Pauses between attempts whose node was deleted under us. The first new
// attempt follows at once.
const (
	leastPause = 10 * time.Millisecond
	mostPause  = time.Second
)

// Acquire waits until the node is ours, in the next session if need be. The
// token is the zxid that made the node.
//
// ctx bounds the wait alone, not the hold. When it ends, what may have been made
// is removed in the background and the error matches both ctx.Err() and
// context.Cause(ctx). Other errors: ErrNotEphemeral, core.ErrClosed, a
// *znode.PathError, and what the server answers, such as core.ErrNoAuth.
func (n *Node) Acquire(ctx context.Context) (*core.Hold, error) { return n.enter(ctx, true) }

// Try is Acquire that returns line.ErrTaken where the node is somebody else's,
// or another contender of this session is at it. ctx bounds the requests.
func (n *Node) Try(ctx context.Context) (*core.Hold, error) { return n.enter(ctx, false) }

func (n *Node) enter(ctx context.Context, wait bool) (*core.Hold, error) {
	n.made()
	if n.err != nil {
		return nil, n.err
	}
	over := n.m.Waiting(ctx, n.path, !wait)
	h, err := n.attempts(ctx, wait)
	over(h, err)
	return h, err
}

func (n *Node) attempts(ctx context.Context, wait bool) (*core.Hold, error) {
	for round := 0; ; round++ {
		s, err := n.m.Session(ctx)
		if err != nil {
			return nil, line.GaveUp(ctx, err)
		}
		h, err := n.attempt(ctx, s, wait)
		switch {
		case err == nil:
			return h, nil
		case ctx.Err() != nil:
			return nil, line.GaveUp(ctx, err)
		case !errors.Is(err, core.ErrLost) && !errors.Is(err, core.ErrSessionEnded):
			return nil, err
		}
		if err := line.Pause(ctx, round-1, leastPause, mostPause); err != nil {
			return nil, line.GaveUp(ctx, err)
		}
	}
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
		if err := n.outlast(ctx, s); err != nil {
			return nil, err
		}
	}
}

// hold begins the hold on a node that we have made. The watched read gives the
// token, and tells from now on when somebody deletes the node.
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

// taken is why Try fails.
func (n *Node) taken(ctx context.Context, s *core.Session) error {
	stat, found, err := s.Exists(ctx, n.path)
	switch {
	case err != nil:
		return err
	case found && lasting(stat):
		return ErrNotEphemeral
	}
	return line.ErrTaken
}

// lasting reports whether the node is known to belong to no session. Of a hidden
// node that is not known: contenders take it for a holder's.
func lasting(stat core.Stat) bool { return stat.EphemeralOwner == 0 && !core.Hidden(stat) }

// outlast waits until the node has gone. It watches by reading the data, which
// leaves no watch where the node has gone already. At a hidden node the session
// looks again from time to time.
func (n *Node) outlast(ctx context.Context, s *core.Session) error {
	for {
		node, watch, err := s.SeeW(ctx, n.path)
		switch {
		case errors.Is(err, core.ErrNoNode):
			return nil
		case err != nil:
			return fmt.Errorf("waiting for %s: %w", n.path, err)
		case lasting(node.Stat):
			watch.Stop()
			return ErrNotEphemeral
		}
		select {
		case <-watch.Done():
		case <-ctx.Done():
		case <-s.Done():
		}
		watch.Stop()
		// Several may have happened. What ends the wait beats what could fulfil it.
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("waiting for %s: %w", n.path, err)
		}
		if err := s.Err(); err != nil {
			return fmt.Errorf("waiting for %s: %w", n.path, err)
		}
		if watch.Event() == core.NodeDeleted {
			return nil
		}
	}
}

// Current returns the node as it stands, with its data, and false where there
// is none. ctx bounds the read.
func (n *Node) Current(ctx context.Context) (line.Contender, bool, error) {
	n.made()
	if n.err != nil {
		return line.Contender{}, false, n.err
	}
	node, err := n.m.See(ctx, n.path)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return line.Contender{}, false, nil
	case err != nil:
		return line.Contender{}, false, line.GaveUp(ctx, err)
	}
	return n.contender(node), true, nil
}

func (n *Node) contender(node core.Sighting) line.Contender {
	return line.Contender{Path: n.path, Data: node.Data, Stat: node.Stat, Hidden: node.Hidden}
}

// CurrentW is Current within one session, with a watch that fires when the node
// is made, written to or deleted. The caller stops the watch. There is none with
// an error.
func (n *Node) CurrentW(ctx context.Context, s *core.Session) (line.Contender, bool, *core.Watch, error) {
	n.made()
	if n.err != nil {
		return line.Contender{}, false, nil, n.err
	}
	for {
		node, watch, err := s.SeeW(ctx, n.path)
		if err == nil {
			return n.contender(node), true, watch, nil
		}
		if !errors.Is(err, core.ErrNoNode) {
			return line.Contender{}, false, nil, err
		}
		_, found, watch, err := s.ExistsW(ctx, n.path)
		if err != nil || !found {
			return line.Contender{}, false, watch, err
		}
		watch.Stop() // it was made just in between: read it
	}
}
