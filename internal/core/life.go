package core

import (
	"context"
	"sync/atomic"

	"github.com/docent-go/docent/internal/base/misuse"
)

// Life is one incarnation of a node, from its creation to its deletion. A node
// that is created again at the same path begins another. It is safe for
// concurrent use.
type Life struct {
	czxid int64
	watch *Watch
	over  atomic.Bool
}

// made panics for a Life that no session has made.
func (l *Life) made() {
	misuse.ZeroValue(l == nil || l.watch == nil, "or nil core.Life", "Session.Life")
}

// Life reads the node at path and watches it. The session must have the right
// to read the node, because the server otherwise withholds its deletion. ctx
// bounds the read, which is repeated over lost connections. If the node is
// missing, the error is ErrNoNode.
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

// Czxid returns the zxid of the node's create, which no other incarnation has.
func (l *Life) Czxid() int64 {
	l.made()
	return l.czxid
}

// Lasts reports whether the node is known to have existed without interruption
// until the newest answer to this session. It returns false after the first
// event, including a write to the node and the end of the session.
func (l *Life) Lasts() bool {
	l.made()
	return !l.over.Load()
}

// StopLater is Stop for a cleanup: see Watch.StopLater.
func (l *Life) StopLater() {
	l.made()
	l.watch.StopLater()
}

// Stop stops the watch. After that, the result of Lasts is meaningless.
func (l *Life) Stop() {
	l.made()
	l.watch.Stop()
}
