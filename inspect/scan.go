package inspect

import (
	"context"
	"errors"
	"sync"

	"github.com/docent-go/docent/internal/core"
)

// How much data of a node is looked at: of one without children, enough for what
// recipes write about themselves; of others, enough for a number. A batch reads nodes
// whole, whatever they hold. So once batches have read spareData bytes more than that of
// each node, the rest of a report is read node by node, and large data is not asked for.
const (
	maxData   = 4096
	maxNumber = 20
	spareData = 4 << 20
)

// scan makes the requests of one report, and counts them.
type scan struct {
	sm      *core.Manager
	options options
	changed func() // called when something changes that was read; may be nil

	looked int     // nodes
	short  []*node // whose children have not all been looked at, for want of budget

	catchUp chan struct{} // holds a token while a goroutine looks at synced, or makes it catch up
	synced  *core.Session // which has caught up with the leader

	mu       sync.Mutex
	listed   int // names
	requests int
	excess   int // bytes that batches have read beyond maxData of each node
	watches  []*core.Watch
}

func newScan(sm *core.Manager, o options, changed func()) *scan {
	return &scan{sm: sm, options: o, changed: changed, catchUp: make(chan struct{}, 1)}
}

// stop gives the watches up.
func (s *scan) stop() {
	for _, w := range s.watches {
		w.Stop()
	}
}

// session returns the present session, once it has caught up.
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
	if err := now.Sync(ctx, path); err != nil {
		return nil, err
	}
	s.synced = now
	s.count(nil)
	return now, nil
}

// count notes a request, and the watch that it has set, if any.
func (s *scan) count(w *core.Watch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if w != nil {
		s.watches = append(s.watches, w)
	}
}

// batched notes how much data a batch has read.
func (s *scan) batched(bytes, nodes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.excess = max(0, s.excess+bytes-maxData*nodes)
}

// bulky reports whether batches read much that nobody looks at.
func (s *scan) bulky() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.excess > spareData
}

// made returns the number of requests so far.
func (s *scan) made() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// do makes one request, in the next session when this one ends.
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

// stat returns false where there is no node.
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

// gone reports whether an error says that the node is not there any more.
func gone(err error) bool { return errors.Is(err, core.ErrNoNode) }

// refused reports whether an ACL hides what was asked for.
func refused(err error) bool { return errors.Is(err, core.ErrNoAuth) }
