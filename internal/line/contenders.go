package line

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/znode"
)

// Contender is one node that stands in the line.
type Contender struct {
	Path string
	Data []byte // nil if the node is hidden
	// Stat is zero if the node is hidden and the server keeps the stat back.
	Stat   core.Stat
	Hidden bool // the session may not read the node
}

// Since returns when the node was made, by the clock of the ensemble's leader.
// It is the zero time if the server keeps that back.
func (c Contender) Since() time.Time {
	if core.Hidden(c.Stat) {
		return time.Time{}
	}
	return time.UnixMilli(c.Stat.Ctime)
}

// Contenders lists who stands in the line, first come first. It reads every
// node, a few at a time: it is for people and tools, not for decisions. Nodes
// that go while it reads are left out. A line that does not exist has nobody
// in it. ctx bounds the reads.
func (l *Line) Contenders(ctx context.Context) ([]Contender, error) {
	l.made()
	if l.err != nil {
		return nil, l.err
	}
	names, _, err := l.m.Children(ctx, l.dir)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return nil, nil
	case err != nil:
		return nil, GaveUp(ctx, err)
	}
	places := InOrder(names, l.tags)
	found := make([]*Contender, len(places))
	if err := EachOf(len(places), func(i int) error {
		c, err := l.read(ctx, znode.Join(l.dir, places[i].Name))
		found[i] = c
		return err
	}); err != nil {
		return nil, GaveUp(ctx, err)
	}
	contenders := make([]Contender, 0, len(found))
	for _, c := range found {
		if c != nil {
			contenders = append(contenders, *c)
		}
	}
	return contenders, nil
}

// read returns nothing for a node that is gone. A hidden node is a contender
// too: its name gives it a place.
func (l *Line) read(ctx context.Context, path string) (*Contender, error) {
	node, err := l.m.See(ctx, path)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &Contender{path, node.Data, node.Stat, node.Hidden}, nil
}

// readers is how many nodes are read at a time.
const readers = 16

// EachOf calls f for 0 to n-1, a few at a time, and returns the first error,
// after which it calls f no more.
func EachOf(n int, f func(int) error) error {
	var (
		mu    sync.Mutex
		next  int
		first error
		work  sync.WaitGroup
	)
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1, next <= n && first == nil
	}
	for range min(n, readers) {
		work.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				if err := f(i); err != nil {
					mu.Lock()
					first = cmp.Or(first, err)
					mu.Unlock()
				}
			}
		})
	}
	work.Wait()
	return first
}
