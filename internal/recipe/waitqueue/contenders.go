package waitqueue

import (
	"context"
	"errors"
	"time"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/stamp"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// Contender is one node in the wait queue.
type Contender struct {
	Path string
	Data []byte // nil if the node is hidden
	// Stat is zero if the node is hidden and the server withholds the stat.
	Stat   core.Stat
	Hidden bool // the session may not read the node
}

// Since returns when the node was created, by the clock of the ensemble's
// leader. It returns the zero time if the server withholds the stat.
func (c Contender) Since() time.Time {
	if core.Hidden(c.Stat) {
		return time.Time{}
	}
	return stamp.Millis(c.Stat.Ctime)
}

// Contenders returns the contenders in order. It reads every node, in batches:
// it is for people and tools, not for decisions. Nodes that are deleted during
// the reads are left out. If the directory is missing, there are no contenders.
// ctx bounds the reads.
func (l *Queue) Contenders(ctx context.Context) ([]Contender, error) {
	return l.Chosen(ctx, func(all []znode.Place) []znode.Place { return all })
}

// Chosen is Contenders for the nodes that choose selects. If all of them are
// deleted before the read, Chosen lists the directory again.
func (l *Queue) Chosen(ctx context.Context, choose func(all []znode.Place) []znode.Place) ([]Contender, error) {
	for {
		all, err := l.Places(ctx)
		if err != nil {
			return nil, err
		}
		chosen := choose(all)
		contenders, err := l.readAll(ctx, chosen)
		if err != nil || len(contenders) > 0 || len(chosen) == 0 {
			return contenders, err
		}
	}
}

// Places returns the names of the contenders, in order. It costs one list,
// which ctx bounds.
func (l *Queue) Places(ctx context.Context) ([]znode.Place, error) {
	l.made()
	if l.err != nil {
		return nil, l.err
	}
	names, _, err := l.m.Children(ctx, l.dir)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return nil, nil
	case err != nil:
		return nil, ctxend.Join(ctx, err)
	}
	return InOrder(names, l.tags), nil
}

func (l *Queue) readAll(ctx context.Context, places []znode.Place) ([]Contender, error) {
	paths := make([]string, len(places))
	for i, p := range places {
		paths[i] = znode.Join(l.dir, p.Name)
	}
	nodes, err := l.m.SeeOwners(ctx, paths)
	if err != nil {
		return nil, ctxend.Join(ctx, err)
	}
	contenders := make([]Contender, 0, len(nodes))
	for i, n := range nodes {
		if n != nil { // a hidden node is a contender too: its name gives it a place
			contenders = append(contenders, Contender{paths[i], n.Data, n.Stat, n.Hidden})
		}
	}
	return contenders, nil
}

// read returns nil if the node is gone. A hidden node is a contender too: its
// name gives it a place.
func (l *Queue) read(ctx context.Context, path string) (*Contender, error) {
	node, err := l.m.See(ctx, path)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &Contender{path, node.Data, node.Stat, node.Hidden}, nil
}
