package inspect

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
)

// Sizes of data. A batch reads nodes with all their data. Once batches have
// read spareData bytes more than maxData per node, the rest of a report is read
// node by node, without large data.
const (
	maxData   = 4096 // of a node without children, or of a recipe: enough for the data of recipes
	maxNumber = 20   // of a node with children: enough for a number
	spareData = 4 << 20
)

// scan makes the requests of one report, and counts them.
type scan struct {
	sm      *core.Manager
	options options
	changed func() // called when a node that was read changes; may be nil

	looked int // the number of nodes
	held   int // the bytes of names and data that are kept
	out    session.LeftOut
	short  []*node // nodes with children that were not read, since the limit was reached

	catchUp chan struct{} // holds a token while a goroutine uses synced
	synced  *core.Session // the session that has caught up with the leader
	proven  time.Time     // when the question was sent that a quorum has answered in it

	mu       sync.Mutex
	listed   int // the number of names
	requests int
	excess   int  // bytes that batches have read beyond maxData per node
	deaf     bool // a znode may get a child without an event
	watches  []*core.Watch
}

func newScan(sm *core.Manager, o options, changed func()) *scan {
	return &scan{sm: sm, options: o, changed: changed, catchUp: make(chan struct{}, 1)}
}

// stop removes the watches.
func (s *scan) stop() {
	for _, w := range s.watches {
		w.Stop()
	}
}

// session returns the present session after a quorum has answered in it. So its
// server has caught up with the leader.
func (s *scan) session(ctx context.Context, path string) (*core.Session, error) {
	now, err := s.sm.Session(ctx)
	if err != nil {
		return nil, err
	}
	select {
	case s.catchUp <- struct{}{}:
		defer func() { <-s.catchUp }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s.synced == now {
		return now, nil
	}
	// A sync would not do: a leader that has lost its quorum answers it.
	for tries := 0; ; tries++ {
		if err := probePauses.Wait(ctx, tries-1); err != nil {
			return nil, err
		}
		sent := time.Now()
		err := ask(ctx, now, path)
		s.count(nil)
		switch {
		case err == nil:
			s.synced, s.proven = now, sent
			return now, nil
		case !errors.Is(err, core.ErrUnknownOutcome):
			return nil, err
		}
	}
}

// count counts a request, and keeps its watch, if any.
func (s *scan) count(w *core.Watch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if w != nil {
		s.watches = append(s.watches, w)
	}
}

// batched counts the data that a batch has read.
func (s *scan) batched(bytes, nodes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.excess = max(0, s.excess+bytes-maxData*nodes)
}

// bulky reports whether batches have read much data without need.
func (s *scan) bulky() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.excess > spareData
}

// missesChildren records that a znode may not be listed.
func (s *scan) missesChildren() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deaf = true
}

// made returns the number of requests so far.
func (s *scan) made() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// do makes one request. If the session ends, it repeats the request in the next
// session.
func (s *scan) do(ctx context.Context, path string, request func(now *core.Session) (*core.Watch, error)) error {
	for {
		now, err := s.session(ctx, path)
		if err == nil {
			var w *core.Watch
			w, err = request(now)
			s.count(w)
		}
		if errors.Is(err, core.ErrSessionEnded) && !errors.Is(err, core.ErrClosed) && ctx.Err() == nil {
			continue
		}
		return err
	}
}

func (s *scan) event(core.EventType) { s.changed() }

// stat returns false if the node does not exist.
func (s *scan) stat(ctx context.Context, path string) (stat core.Stat, found bool, err error) {
	err = s.do(ctx, path, func(now *core.Session) (w *core.Watch, err error) {
		if s.changed == nil {
			stat, found, err = now.Exists(ctx, path)
			return nil, err
		}
		stat, found, w, err = now.ExistsFunc(ctx, path, s.event)
		return w, err
	})
	return stat, found, err
}

func (s *scan) list(ctx context.Context, path string) (names []string, stat core.Stat, err error) {
	err = s.do(ctx, path, func(now *core.Session) (w *core.Watch, err error) {
		if s.changed == nil {
			names, stat, err = now.Children(ctx, path)
			return nil, err
		}
		names, stat, w, err = now.ChildrenFunc(ctx, path, s.event)
		return w, err
	})
	return names, stat, err
}

func (s *scan) read(ctx context.Context, path string) (data []byte, stat core.Stat, err error) {
	err = s.do(ctx, path, func(now *core.Session) (w *core.Watch, err error) {
		if s.changed == nil {
			data, stat, err = now.Get(ctx, path)
			return nil, err
		}
		data, stat, w, err = now.GetFunc(ctx, path, s.event)
		return w, err
	})
	return data, stat, err
}

// see reads a node that may be hidden.
func (s *scan) see(ctx context.Context, path string) (seen core.Sighting, err error) {
	err = s.do(ctx, path, func(now *core.Session) (w *core.Watch, err error) {
		if s.changed == nil {
			seen, err = now.See(ctx, path)
		} else {
			seen, w, err = now.SeeFunc(ctx, path, s.event)
		}
		if seen.Hidden {
			s.count(nil) // the second request
		}
		return w, err
	})
	return seen, err
}

// spendNames takes n names from the budget.
func (s *scan) spendNames(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listed+n > s.options.names {
		return false
	}
	s.listed += n
	return true
}

// gone reports whether an error says that the node does not exist.
func gone(err error) bool { return errors.Is(err, core.ErrNoNode) }

// refused reports whether an error says that an ACL denies the request.
func refused(err error) bool { return errors.Is(err, core.ErrNoAuth) }
