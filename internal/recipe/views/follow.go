package views

import (
	"errors"
	"slices"
	"time"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/core"
)

// ErrHistory is the State.Err of a view whose server shows an older value
// than an earlier read. The server has then caught up with its leader already.
// If that lasts for a session timeout, the view accepts the older value.
var ErrHistory = errors.New("the server shows an older value than was seen before: it may have lost its data")

// pauses are the pauses between reads that a server refuses.
var pauses = backoff.Backoff{Min: 200 * time.Millisecond, Max: 10 * time.Second, Floor: 100 * time.Millisecond}

// follow reads the node whenever there is a reason to, until the session or
// the view ends.
func (m *Node) follow(s *core.Session) {
	for {
		round := m.takeWaiting()
		links := m.links.Load()
		watch, err := m.settle(s, foreign(round, s))
		if m.ctx.Err() != nil || s.Context().Err() != nil && err != nil {
			if watch != nil {
				watch.Stop()
			}
			m.giveBack(round)
			return
		}
		var pause time.Duration
		if err != nil {
			pause = m.pause()
			m.report(err)
		} else {
			m.failures = 0
			m.confirmed.Store(links)
		}
		m.release(round, m.past.zxid)
		m.sleep(s, watch, pause)
	}
}

// sleep waits for a reason to read again. A pause bounds it, if not zero.
func (m *Node) sleep(s *core.Session, watch *core.Watch, pause time.Duration) {
	var fired <-chan struct{}
	if watch != nil {
		fired = watch.Done()
		defer watch.Stop()
	}
	over, stop := backoff.After(pause)
	defer stop()
	for {
		select {
		case <-fired:
			return
		case <-over:
			return
		case <-m.ctx.Done():
			return
		case <-s.Done():
			return
		case <-m.wake:
			if m.due() {
				return
			}
		}
	}
}

// settle reads the node until the result can be believed, and publishes it if
// it is new. With sync, the server has to catch up first. The watch fires at
// the next change. It may be nil with an error.
func (m *Node) settle(s *core.Session, sync bool) (*core.Watch, error) {
	seen, watch, verdict, err := m.sight(s, sync)
	if err == nil && verdict == doubtful && !sync {
		watch.Stop()
		seen, watch, verdict, err = m.sight(s, true)
	}
	if err != nil {
		return nil, err
	}
	if verdict == doubtful {
		if !m.past.back.historyLost(s) {
			return watch, &core.OpError{Op: "read", Path: m.path, Session: s.ID(), Err: ErrHistory}
		}
		verdict = newer
	}
	m.past.believe(m.kind, s, seen)
	m.accept(seen, verdict)
	return watch, nil
}

// sight reads the node once and classifies the result.
func (m *Node) sight(s *core.Session, sync bool) (*sighting, *core.Watch, verdict, error) {
	if sync {
		if err := s.Sync(m.ctx, m.path); err != nil {
			return nil, nil, doubtful, err
		}
	}
	seen, watch, err := m.look(s)
	if err != nil {
		return nil, nil, doubtful, err
	}
	return seen, watch, m.past.judge(m.kind, s, seen, sync), nil
}

// accept publishes the result of a read, if it is new or ends a failure.
func (m *Node) accept(seen *sighting, v verdict) {
	old := m.state.Load()
	if v == same && old.Err == nil {
		return
	}
	next := &State{
		Exists: seen.exists, Data: seen.data, Children: seen.children, Stat: seen.stat,
	}
	if old != nil {
		next.Rev = old.Rev
	}
	if v == newer {
		next.Rev++
	}
	m.publish(next)
}

// report publishes why reads fail, once for each reason.
func (m *Node) report(err error) {
	old := m.state.Load()
	if old == nil {
		m.publish(&State{Err: err})
		return
	}
	if old.Err != nil && reason(old.Err) == reason(err) {
		return
	}
	next := *old
	next.Err = err
	m.publish(&next)
}

// reason is the text of an error without the session, which changes.
func reason(err error) string {
	var op *core.OpError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	return err.Error()
}

// look reads the node and leaves a watch. A read of a missing node leaves no
// watch, so look then watches for the creation. If the node was created between
// the two requests, look reads it again.
func (m *Node) look(s *core.Session) (*sighting, *core.Watch, error) {
	for {
		seen, watch, err := m.read(s)
		if err == nil {
			return seen, watch, nil
		}
		if !errors.Is(err, core.ErrNoNode) {
			return nil, nil, err
		}
		_, found, watch, err := s.ExistsW(m.ctx, m.path)
		if err != nil {
			return nil, nil, err
		}
		if !found {
			return new(sighting), watch, nil
		}
		watch.Stop()
	}
}

func (m *Node) read(s *core.Session) (*sighting, *core.Watch, error) {
	seen := &sighting{exists: true}
	var watch *core.Watch
	var err error
	if m.kind == Children {
		seen.children, seen.stat, watch, err = s.ChildrenW(m.ctx, m.path)
		slices.Sort(seen.children)
	} else {
		seen.data, seen.stat, watch, err = s.GetW(m.ctx, m.path)
	}
	return seen, watch, err
}
