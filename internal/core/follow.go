package core

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/wire"
)

// Followed is one event for a Follower.
type Followed struct {
	// Event is the kind of change, or SessionEnded, or Resumed.
	Event EventType
	// Path is the path of the changed node, relative to the Manager's root. It
	// is empty for SessionEnded and Resumed.
	Path string
}

// Resumed tells a Follower that events may be missing, because the session has
// a new connection. The follower has to read everything again. A read that is
// sent after Resumed shows every change without an event.
const Resumed EventType = -1

// Follower receives every change of a node, or of a whole tree, until it is
// stopped. It is safe for concurrent use.
type Follower struct {
	table     *watchTable
	watch     *following
	recursive bool
	f         func(Followed)

	calls sync.Mutex // held while f runs
	over  bool       // guarded by table.mu
}

// Follow calls f for every change of the node at path, which need not exist:
// its creation, its deletion, changes of its data and, as NodeChildrenChanged,
// creations and deletions of its children. With recursive, Follow reports
// creation, deletion and data changes of the node and of all its descendants,
// and never NodeChildrenChanged. Servers withhold the events of nodes that the
// session may not read. All followers of a path share one watch on the server.
//
// f is called on the goroutine that reads from the server, in the order of the
// changes and one call at a time. Only SessionEnded may come on another
// goroutine. f must return at once and must not call the session, but it may
// call Stop. f is called for a change before any read that shows the change
// returns. f may be called before Follow returns, and for a change that
// happened shortly before. The server does not repeat the events of a
// disconnection: f gets Resumed after each reconnection. If the session ends,
// the last call has SessionEnded.
//
// ctx bounds only the request, which Follow repeats over lost connections.
// Errors:
//   - ErrUnimplemented: the servers are older than ZooKeeper 3.6. Such a server
//     closes the connection after its answer. The Manager remembers that and
//     does not ask again. Or the server's watchManagerName is
//     WatchManagerOptimized.
//   - ErrTooLarge: the path does not fit into a request.
//   - ErrSessionEnded, or ctx's error.
//
// No call of f begins after Follow has returned an error.
func (s *Session) Follow(ctx context.Context, path string, recursive bool, f func(Followed)) (*Follower, error) {
	misuse.NilFunc(f == nil, "Session.Follow")
	s.made()
	if err := znode.ValidateRoot(path); err != nil {
		return nil, s.refuse("watch", path, err)
	}
	abs := s.abs(path)
	// The request that sets the watch again is longer than the one that sets it.
	if err := s.fits(wire.SetWatchesHeader + wire.StringSize(abs)); err != nil {
		return nil, s.refuse("watch", path, err)
	}
	if s.m.noLasting.Load() {
		return nil, needs(s.refuse("watch", path, ErrUnimplemented), needsLasting)
	}
	if err := ctxend.Err(ctx); err != nil {
		return nil, s.refuse("watch", path, err)
	}
	w, standing := s.watches.follow(abs, recursive, f)
	if standing {
		return w, nil
	}
	_, err := read(ctx, s, "watch", path, request[struct{}]{
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

// unfollowable adds the reason to the error of a server whose watch manager
// does not support persistent watches. Another server may have another watch
// manager.
func unfollowable(err error) error {
	var op *OpError
	var answer *CodeError
	if errors.As(err, &op) && errors.As(err, &answer) && wire.Code(answer.Code) == wire.CodeMarshalling {
		return &OpError{op.Op, op.Path, op.Session, fmt.Errorf("%w: persistent watches need servers whose watchManagerName is not "+
			"WatchManagerOptimized: %w", ErrUnimplemented, answer)}
	}
	return err
}

// Stop ends the calls. No call begins after Stop has returned, although one may
// still be running. The last Stop of a path removes the watch from the server
// in the background. Stop may be called more than once, and within a call.
func (w *Follower) Stop() {
	misuse.ZeroValue(w == nil || w.table == nil, "or nil core.Follower", "Session.Follow")
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
