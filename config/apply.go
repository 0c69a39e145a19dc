package config

import (
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/mirror"
)

// apply makes a new view from a new state of the node. The mirror's goroutine
// calls it.
func (v *Value[T]) apply(st *mirror.State) {
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
func (v *Value[T]) take(st *mirror.State, now *view[T]) {
	now.missing = !st.Exists
	if !st.Exists {
		last := now.Value
		if v.opts.hasDefault {
			last = v.opts.fallback
		}
		now.Snapshot = Snapshot[T]{Value: last}
		now.rev++
		return
	}
	value, err := v.check(st.Data)
	if err != nil {
		v.bad = &BadValueError{Path: v.path, Version: st.Stat.Version, Zxid: st.Stat.Mzxid, Err: err}
		now.err = v.bad
		now.errRev++
		return
	}
	now.Snapshot = snapshot(value, st.Stat)
	now.usable = true
	now.rev++
}

// check decodes and validates. It makes a panic of the user's code an error:
// the value of a node must not end the program.
func (v *Value[T]) check(data []byte) (T, error) { return check(v.codec, &v.opts, data) }

func check[T any](codec Codec[T], opts *options[T], data []byte) (value T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	if value, err = codec.Decode(data); err != nil {
		return value, err
	}
	return value, opts.valid(value)
}

func snapshot[T any](value T, stat core.Stat) Snapshot[T] {
	return Snapshot[T]{
		Value:   value,
		Exists:  true,
		Version: stat.Version,
		Zxid:    stat.Mzxid,
		ModTime: time.UnixMilli(stat.Mtime),
	}
}
