package core

import (
	"context"
	"sync/atomic"

	"github.com/docent-go/docent/internal/misuse"
)

// Life is one life of a node, from its making to its deletion: a node that is
// made again at the same path begins another. It is safe for concurrent use.
type Life struct {
	czxid int64
	watch *Watch
	over  atomic.Bool
}

// made panics for a Life that no session has made.
func (l *Life) made() {
	misuse.ZeroValue(l == nil || l.watch == nil, "or nil session.Life", "Session.Life")
}

// Life reads the node at path and watches it. It needs the right to read the
// node: without it nobody is told of its deletion. ctx bounds the read, which
// is repeated over lost connections. It fails with ErrNoNode where there is
// no node.
func (s *Session) Life(ctx context.Context, path string) (*Life, error) {
	s.made()
	l := new(Life)
	_, stat, watch, err := s.GetFunc(ctx, path, func(EventType) { l.over.Store(true) })
	if err != nil {
		return nil, err
	}
	l.czxid, l.watch = stat.Czxid, watch
	return l, nil
}

// Czxid returns the zxid that made the node, which no other life shares.
func (l *Life) Czxid() int64 {
	l.made()
	return l.czxid
}

// Lasts reports whether the node is known to have lived on without a break up
// to the newest answer that this session has had. It says no from the first
// event on: also when the node was written to, and when the session has ended.
func (l *Life) Lasts() bool {
	l.made()
	return !l.over.Load()
}

// StopLater is Stop for a cleanup: see Watch.StopLater.
func (l *Life) StopLater() {
	l.made()
	l.watch.StopLater()
}

// Stop gives the watch up. Lasts says nothing of worth any more.
func (l *Life) Stop() {
	l.made()
	l.watch.Stop()
}
