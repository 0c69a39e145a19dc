package config

import (
	"time"

	"github.com/docent-go/docent/internal/base/stamp"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/views"
)

// view is the state of a Value at one time. It is replaced as a whole, so that
// Load is one atomic load.
type view[T any] struct {
	Snapshot[T]
	missing bool          // the node did not exist at the last read
	usable  bool          // Value is a value: the node's, or the default
	rev     uint64        // grows when Snapshot changes
	err     error         // the present error, or nil
	errRev  uint64        // grows with each new error
	next    chan struct{} // closed when there is a newer view
}

// apply makes a new view from a new state of the node. The mirror's goroutine
// calls it.
func (v *Value[T]) apply(st *views.State) {
	old := v.view.Load()
	now := &view[T]{
		Snapshot: old.Snapshot, missing: old.missing, usable: old.usable, rev: old.rev, errRev: old.errRev,
		next: make(chan struct{}),
	}
	switch {
	case st.Err != nil:
		now.err = st.Err
		now.errRev++
	case st.Rev == v.rev:
		now.err = v.bad // reads succeed again, and the value is the same
	default:
		v.rev, v.bad = st.Rev, nil
		v.take(st, now)
	}
	v.view.Store(now)
	close(old.next)
}

// take puts the node's value, or its absence, into now.
func (v *Value[T]) take(st *views.State, now *view[T]) {
	now.missing = !st.Exists
	if !st.Exists {
		last := now.Value
		if v.schema.hasDefault {
			last = v.schema.fallback
		}
		now.Snapshot = Snapshot[T]{Value: last}
		now.rev++
		return
	}
	value, err := v.schema.read(st.Data)
	if err != nil {
		v.bad = &badKey{BadValueError{Path: v.path, Version: st.Stat.Version, Zxid: st.Stat.Mzxid, Err: err}}
		now.err = v.bad
		now.errRev++
		return
	}
	now.Snapshot = snapshot(value, st.Stat)
	now.usable = true
	now.rev++
}

// snapshot is the value of a node with the stat. The stat is zero if it is not
// known.
func snapshot[T any](value T, stat core.Stat) Snapshot[T] {
	return Snapshot[T]{
		Value:   value,
		Exists:  true,
		Version: stat.Version,
		Zxid:    stat.Mzxid,
		ModTime: written(stat),
	}
}

// written returns when the data of a node was written.
func written(stat core.Stat) time.Time {
	if stat.Mzxid == 0 {
		return time.Time{}
	}
	return stamp.Millis(stat.Mtime)
}
