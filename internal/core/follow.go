package core

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/wire"
	"github.com/docent-go/docent/internal/znode"
)

// Followed is what a Follower is told.
type Followed struct {
	// Event is what has happened, SessionEnded, or Resumed.
	Event EventType
	// Path is the node that it happened to, below the Manager's root; empty for
	// SessionEnded and Resumed.
	Path string
}

// Resumed tells a Follower that events may be missing, since the session has a new
// connection. The follower reads everything again. A read that is sent after Resumed
// shows every change that no event tells of.
const Resumed EventType = -1

// Follower is told of every change of a node, or of a whole tree, until it is stopped.
// It is safe for concurrent use.
type Follower struct {
	table     *watchTable
	watch     *following
	recursive bool
	f         func(Followed)

	calls sync.Mutex // held while f runs
	over  bool       // guarded by table.mu
}

// Follow has f called with every change of the node at path, which need not exist: its
// creation, its deletion, changes of its data and, as NodeChildrenChanged, creations and
// deletions of its children. With recursive, Follow tells of the creation, deletion and
// data of the node and of every node below it, and never of NodeChildrenChanged. Servers
// withhold the events of nodes that the session may not read. All followers of a path
// share one watch on the server.
//
// f is called on the goroutine that reads from the server, in the order of the changes
// and one call at a time; only SessionEnded may come on another goroutine. f must return
// at once and must not call the session; it may call Stop. f hears of a change before
// any read that shows the change returns. f may be called before Follow returns, and may
// hear of a change that happened shortly before. The server does not repeat what has
// happened during a disconnection: f is told Resumed after each reconnection, and
// SessionEnded as the last thing if the session ends.
//
// ctx bounds the request, which Follow repeats over lost connections, and nothing after
// it. Errors:
//   - ErrUnimplemented: the servers are older than ZooKeeper 3.6, which close the
//     connection to say so. The Manager remembers that and does not ask again. Or the
//     server's watchManagerName is WatchManagerOptimized.
//   - ErrTooLarge: the path does not fit into a request.
//   - ErrSessionEnded, or ctx's error.
//
// No call of f begins after Follow has returned an error.
func (s *Session) Follow(ctx context.Context, path string, recursive bool, f func(Followed)) (*Follower, error) {
	misuse.NilFunc(f == nil, "Session.Follow")
	s.made()
	if err := znode.ValidateRoot(path); err != nil {
		return nil, s.refuse("follow", path, err)
	}
	abs := s.abs(path)
	// The request that sets the watch again is longer than the one that sets it.
	if err := s.fits(wire.SetWatchesHeader + wire.StringSize(abs)); err != nil {
		return nil, s.refuse("follow", path, err)
	}
	if s.m.noLasting.Load() {
		return nil, needs(s.refuse("follow", path, ErrUnimplemented), needsLasting)
	}
	if err := ctx.Err(); err != nil {
		return nil, s.refuse("follow", path, err)
	}
	w, standing := s.watches.follow(abs, recursive, f)
	if standing {
		return w, nil
	}
	_, err := read(ctx, s, "follow", path, request[struct{}]{
		queue: w.ask,
		parse: nothing,
	})
	if err != nil {
		w.Stop()
		return nil, needs(unfollowable(err), needsLasting)
	}
	return w, nil
}

const needsLasting = "Follow needs ZooKeeper 3.6 or later"

// unfollowable names the error of a server whose watch manager has no persistent
// watches. Another server may have another.
func unfollowable(err error) error {
	var op *OpError
	var answer *CodeError
	if errors.As(err, &op) && errors.As(err, &answer) && wire.Code(answer.Code) == wire.CodeMarshalling {
		return &OpError{op.Op, op.Path, op.Session, fmt.Errorf("%w: persistent watches need servers whose watchManagerName is not "+
			"WatchManagerOptimized: %w", ErrUnimplemented, answer)}
	}
	return err
}

// Stop ends the calls: none begins after Stop has returned, although one may be under
// way. The last Stop of a path takes the watch back in the background. Stop may be
// called more than once, and within a call.
func (w *Follower) Stop() {
	misuse.ZeroValue(w == nil || w.table == nil, "or nil session.Follower", "Session.Follow")
	w.table.unfollow(w)
}

func (w *Follower) call(e Followed) {
	w.calls.Lock()
	defer w.calls.Unlock()
	w.table.mu.Lock()
	over := w.over
	w.over = over || e.Event == SessionEnded
	w.table.mu.Unlock()
	if !over {
		w.f(e)
	}
}
