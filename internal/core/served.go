package core

import (
	"time"

	"github.com/docent-go/docent/internal/conn"
	"github.com/docent-go/docent/internal/wire"
)

// serverWatches are the watches of one shot that the server keeps for the session. The
// next connection sets a watch again if it has waiters. serverWatches is guarded by the
// watch table's mu, and kept in the order of the stream: a read that has left a watch is
// noted before the event that uses the watch up.
type serverWatches struct {
	kept map[watchKey]wire.Op // by what sets the watch again: with exists for a missing node

	idle  map[watchKey]struct{} // watches that may have no waiters
	timer *time.Timer           // takes them back; nil while there is none
}

// watching returns what queues a read that leaves a watch on the server, unless a
// persistent one does its work (see follows). It returns nil for a read without a watch.
func (t *watchTable) watching(key watchKey, op wire.Op, watch bool) func(*conn.Conn) (*conn.Call, conn.Queued) {
	if !watch {
		return nil
	}
	return func(link *conn.Conn) (*conn.Call, conn.Queued) {
		t.mu.Lock()
		defer t.mu.Unlock()
		var then func(*conn.Call)
		watch := !t.follows.cover(key.path)
		if watch {
			then = func(call *conn.Call) {
				if call.Fate() == conn.Answered {
					t.left(key, op, call.Reply().Code)
				}
			}
		}
		call := conn.NewCall(wire.Read(op, key.path, watch), then)
		return call, link.Enqueue(call)
	}
}

func (t *watchTable) left(key watchKey, op wire.Op, code wire.Code) {
	switch {
	case code == wire.CodeOK && op == wire.OpExists:
		op = wire.OpGetData // the node is there: its data and its deletion are watched
	case code == wire.CodeOK:
	case code == wire.CodeNoNode && op == wire.OpExists:
	default:
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.server.kept == nil {
		t.server.kept = make(map[watchKey]wire.Op)
	}
	t.server.kept[key] = op
	if !t.awaited(key) {
		t.considerLater(key)
	}
}

// awaited reports whether the watch has waiters. The caller holds mu.
func (t *watchTable) awaited(key watchKey) bool {
	e := t.entries[key]
	return e != nil && len(e.waiters) > 0
}

// idleFor is how long a watch without waiters is left on the server: a waiter that
// comes in that time shares it.
const idleFor = time.Second

// takenAtOnce is how many watches are taken back together.
const takenAtOnce = 256

// considerLater has a watch taken back after idleFor, unless it has waiters by then.
// The caller holds mu.
func (t *watchTable) considerLater(key watchKey) {
	if t.ended || t.s == nil || t.s.m.noRemoval.Load() {
		return
	}
	if t.server.idle == nil {
		t.server.idle = make(map[watchKey]struct{})
	}
	t.server.idle[key] = struct{}{}
	t.considerIn(idleFor)
}

// considerIn has the idle watches looked at after a time. The caller holds mu.
func (t *watchTable) considerIn(d time.Duration) {
	if t.server.timer == nil && !t.ended {
		t.server.timer = time.AfterFunc(d, t.takeBack)
	}
}

// takeBack takes back idle watches without waiters. A later waiter sets the watch anew:
// its request leaves after the request that takes the watch back.
func (t *watchTable) takeBack() {
	t.s.mu.Lock()
	link := t.s.link
	t.s.mu.Unlock()
	t.mu.Lock()
	t.server.timer = nil
	if link == nil || t.ended { // a new connection sets no watch without waiters again
		t.mu.Unlock()
		return
	}
	var calls []*conn.Call
	for key := range t.server.idle {
		if len(calls) == takenAtOnce {
			break
		}
		delete(t.server.idle, key)
		if t.awaited(key) {
			continue
		}
		delete(t.entries, key)
		if _, kept := t.server.kept[key]; kept && !t.follows.cover(key.path) {
			calls = append(calls, t.removal(key, len(calls) == takenAtOnce-1))
		}
	}
	// Under mu, so that no read of a waiter without an entry can leave before.
	link.SendBehind(calls...)
	t.mu.Unlock()
}

// removal is the request that takes a watch back. Of a full turn the last one begins the
// next.
func (t *watchTable) removal(key watchKey, last bool) *conn.Call {
	which := wire.DataWatcher
	if key.kind == childWatch {
		which = wire.ChildWatcher
	}
	return conn.NewCall(wire.RemoveWatches(key.path, which), func(call *conn.Call) {
		if call.Fate() != conn.Answered {
			return
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		if last {
			t.considerIn(0)
		}
		switch code := call.Reply().Code; {
		case code == wire.CodeOK, code == wire.CodeNoWatcher:
			delete(t.server.kept, key)
		case code == wire.CodeUnimplemented: // before ZooKeeper 3.5
			t.s.m.noRemoval.Store(true)
		case code.Class() == wire.NotExecuted: // while the server throttles
			if _, kept := t.server.kept[key]; kept && !t.awaited(key) {
				t.considerLater(key)
			}
		}
	})
}

// end stops what is under way. The caller holds the table's mu.
func (w *serverWatches) end() {
	if w.timer != nil {
		w.timer.Stop()
	}
	w.kept, w.idle = nil, nil
}

// maxRewatch bounds a request that sets watches again, however large the
// requests are that the server is configured to take: the configuration of this
// Manager may not know of a lower limit.
const maxRewatch = 16 << 10

// setAgain returns the requests that set the watches with waiters again. Each request
// has at most limit bytes without its prefix, unless a single watch needs more. The
// server fires at once the watches whose nodes have changed after the transaction zxid.
// setAgain forgets the other watches: the new connection does not have them.
func (t *watchTable) setAgain(zxid int64, limit int) [][]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	var frames [][]byte
	var again wire.Watches
	size := wire.SetWatchesHeader
	flush := func() {
		if size == wire.SetWatchesHeader {
			return
		}
		frames = append(frames, wire.SetWatches(zxid, again))
		again, size = wire.Watches{}, wire.SetWatchesHeader
	}
	add := func(list *[]string, path string) {
		n := wire.StringSize(path)
		if size+n > limit {
			flush()
		}
		size += n
		*list = append(*list, path)
	}
	for key, op := range t.server.kept {
		if !t.awaited(key) {
			delete(t.server.kept, key)
			delete(t.entries, key)
			continue
		}
		list := &again.Data
		switch op {
		case wire.OpExists:
			list = &again.Exist
		case wire.OpGetChildren2:
			list = &again.Child
		}
		add(list, key.path)
	}
	flush() // servers before 3.6 know the other request alone, and have no such watches
	nodes, trees := t.follows.setAgain()
	for _, path := range nodes {
		add(&again.Persistent, path)
	}
	for _, path := range trees {
		add(&again.Recursive, path)
	}
	flush()
	t.server.idle = nil
	return frames
}
