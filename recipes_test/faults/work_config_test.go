package faults

import (
	"context"
	"errors"
	"math/rand/v2"
	"path"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
)

// configWork makes all processes write one key, through a Store and through a
// Value, and read it after a sync. Their Values must never go back, must show
// each value with the zxid of its write, and must end with the last value.
func configWork(ctx context.Context, rd *round) {
	base, key := path.Split(rd.path)
	base = path.Clean(base)
	if err := rd.createKey(base, key); err != nil {
		rd.tb.Errorf("%s: %v\n%s", rd.path, err, rd.nemesis.recently())
		return
	}
	w := &keyWork{round: rd, key: key, seen: map[int64]int32{}}
	views := make([]*config.Value[int32], len(rd.procs))
	var opening, watching sync.WaitGroup
	for i, p := range rd.procs {
		opening.Go(func() {
			v, err := config.Open(within(rd.tb, patience), p.Manager, rd.path, config.JSON[int32](), config.Wait[int32]())
			if err != nil {
				rd.tb.Errorf("open %s: %v", rd.path, err)
				return
			}
			views[i] = v
			watching.Go(func() { w.watch(v) })
		})
	}
	opening.Wait()
	rd.each(func(p *process, rng *rand.Rand) {
		store := config.NewStore(p.Manager, base)
		version := int32(0)
		for ctx.Err() == nil && views[p.id] != nil {
			call, cancel := context.WithTimeout(ctx, between(rng, time.Second, 4*time.Second))
			version = w.once(call, p, rng, store, views[p.id], version)
			cancel()
			pause(ctx, between(rng, 0, 40*time.Millisecond))
		}
	})
	w.settle(views)
	for _, v := range views {
		if v == nil {
			continue
		}
		if err := v.Close(); err != nil {
			rd.tb.Errorf("close %s: %v", rd.path, err)
		}
	}
	watching.Wait()
}

// createKey creates the key, in as many tries as needed. A try with an unknown
// outcome may have created it: then the key exists.
func (rd *round) createKey(base, key string) error {
	ctx := within(rd.tb, patience)
	store := config.NewStore(rd.watcher, base)
	for {
		err := rd.watcher.EnsureDir(ctx, base)
		if err == nil {
			_, err = store.Create(ctx, key, []byte("0"))
		}
		switch {
		case err == nil, errors.Is(err, session.ErrNodeExists):
			return nil
		case ctx.Err() != nil || !expected(err):
			return err
		}
	}
}

// keyWork is a round of work on one key.
type keyWork struct {
	*round
	key   string
	value atomic.Int32 // the last value written; each value is written once

	mu   sync.Mutex
	seen map[int64]int32 // the value of each zxid shown
}

// once does one operation on the key, and returns the newest version that it
// saw.
func (w *keyWork) once(ctx context.Context, p *process, rng *rand.Rand, store *config.Store, view *config.Value[int32], version int32) int32 {
	var in any
	var out register
	var err error
	call := w.clock.now()
	switch rng.IntN(5) {
	case 0:
		op := putOp{w.value.Add(1)}
		_, err = store.Put(ctx, w.key, encode(op.value))
		in = op
	case 1:
		op := setOp{version, w.value.Add(1)}
		var e config.Entry
		e, err = store.Set(ctx, w.key, encode(op.value), op.version)
		in, out = op, register{version: e.Version, zxid: e.Zxid}
		if errors.Is(err, session.ErrBadVersion) && !errors.Is(err, session.ErrUnknownOutcome) {
			out, err = register{refused: true}, nil
		}
	case 2:
		op := updateOp{value: w.value.Add(1)}
		var snap *config.Snapshot[int32]
		snap, err = view.Update(ctx, func(old int32) (int32, error) {
			if old != op.value { // else an earlier try was done and its answer lost
				op.old = old
			}
			return op.value, nil
		})
		in = op
		if err == nil {
			out = register{version: snap.Version, zxid: snap.Zxid}
			if now := view.Load(); ctx.Err() == nil && now.Zxid < snap.Zxid {
				w.tb.Errorf("%s: an Update returned zxid %#x, and Load shows %#x\n%s", w.path, snap.Zxid, now.Zxid, w.nemesis.recently())
			}
		}
	default:
		in = readOp{}
		var e config.Entry
		if err = p.Sync(ctx, w.path); err == nil {
			e, err = store.Get(ctx, w.key)
		}
		if err == nil {
			out = register{version: e.Version, value: w.decode(e.Data), zxid: e.Zxid}
		}
	}
	ret := w.clock.now()
	_, reading := in.(readOp)
	switch {
	case err == nil:
		w.journal.add(p.id, in, out, call, ret)
		w.done()
	case errors.Is(err, session.ErrUnknownOutcome) && !reading:
		w.journal.add(p.id, in, register{unknown: true}, call, never)
		w.unknown()
	default:
		w.failed("config", err)
	}
	return max(version, out.version)
}

// watch follows what a Value shows until it is closed.
func (w *keyWork) watch(v *config.Value[int32]) {
	last := int64(0)
	for snap, err := range v.Changes(w.tb.Context()) {
		if err != nil {
			continue // temporary; the last good value stays
		}
		w.mu.Lock()
		if snap.Zxid < last {
			w.tb.Errorf("%s: a Value went back from zxid %#x to %#x\n%s", w.path, last, snap.Zxid, w.nemesis.recently())
		}
		if value, ok := w.seen[snap.Zxid]; ok && value != snap.Value {
			w.tb.Errorf("%s: zxid %#x shows %d and %d\n%s", w.path, snap.Zxid, value, snap.Value, w.nemesis.recently())
		}
		w.seen[snap.Zxid] = snap.Value
		last = snap.Zxid
		w.mu.Unlock()
	}
}

// settle waits until all Values show the key's final value. Pending writes may
// be done after a read, so settle reads the key again each time.
func (w *keyWork) settle(views []*config.Value[int32]) {
	ctx := within(w.tb, patience)
	store := config.NewStore(w.watcher, path.Dir(w.path))
	for ctx.Err() == nil {
		err := w.watcher.Sync(ctx, w.path)
		var e config.Entry
		if err == nil {
			e, err = store.Get(ctx, w.key)
		}
		behind := 0
		for _, v := range views {
			if v != nil && v.Load().Zxid != e.Zxid {
				behind++
			}
		}
		if err == nil && behind == 0 {
			return
		}
		pause(ctx, 20*time.Millisecond)
	}
	w.tb.Errorf("%s: a Value does not show the last value after %v\n%s", w.path, patience, w.nemesis.recently())
}

func encode(value int32) []byte { return strconv.AppendInt(nil, int64(value), 10) }

func (w *keyWork) decode(data []byte) int32 {
	n, err := strconv.ParseInt(string(data), 10, 32)
	if err != nil {
		w.tb.Errorf("%s holds a value that was never written: %v", w.path, err)
	}
	return int32(n)
}
