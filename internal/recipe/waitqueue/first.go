package waitqueue

import (
	"context"
	"errors"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// First returns the first contender, and false if there are no contenders. It
// costs a list and a read. ctx bounds both.
func (l *Queue) First(ctx context.Context) (Contender, bool, error) {
	l.made()
	if l.err != nil {
		return Contender{}, false, l.err
	}
	for {
		names, _, err := l.m.Children(ctx, l.dir)
		if errors.Is(err, core.ErrNoNode) {
			return Contender{}, false, nil
		}
		if err != nil {
			return Contender{}, false, ctxend.Join(ctx, err)
		}
		places := InOrder(names, l.tags)
		if len(places) == 0 {
			return Contender{}, false, nil
		}
		c, err := l.read(ctx, znode.Join(l.dir, places[0].Name))
		if err != nil {
			return Contender{}, false, ctxend.Join(ctx, err)
		}
		if c != nil { // otherwise it was deleted since: look again
			return *c, true, nil
		}
	}
}

// FirstW is First within one session, with a watch that fires when the first
// contender or its data may have changed. It watches only the first contender,
// so later contenders cause no events. Without contenders, it watches the
// children of the directory. Without a directory, it watches for its creation.
// The caller stops the watch. With an error, FirstW returns no watch.
//
// An empty directory is listed twice: only the second list leaves a watch. A
// watch from the first list would be useless in the usual case, where there is
// a contender. The server would have to be asked to remove that watch, and
// until then every change of the directory would wake this session. So a
// directory with contenders costs a list and a read, and an empty one costs a
// second list, which is short.
func (l *Queue) FirstW(ctx context.Context, s *core.Session) (Contender, bool, *core.Watch, error) {
	l.made()
	if l.err != nil {
		return Contender{}, false, nil, l.err
	}
	for {
		names, _, err := s.Children(ctx, l.dir)
		places := InOrder(names, l.tags)
		var watch *core.Watch
		switch {
		case errors.Is(err, core.ErrNoNode):
			watch, err = l.watchMissing(ctx, s)
		case err == nil && len(places) == 0:
			watch, err = l.watchEmpty(ctx, s)
		case err == nil:
			c, watch, err := watchNode(ctx, s, znode.Join(l.dir, places[0].Name))
			if watch != nil || err != nil {
				return c, err == nil, watch, err
			}
		}
		if watch != nil || err != nil {
			return Contender{}, false, watch, err
		}
		// The node to be watched has changed since: look again.
	}
}

// The three watches of FirstW. Each function returns neither a watch nor an
// error if the expected node is not as it was.

func watchNode(ctx context.Context, s *core.Session, path string) (Contender, *core.Watch, error) {
	node, watch, err := s.SeeW(ctx, path)
	if errors.Is(err, core.ErrNoNode) {
		return Contender{}, nil, nil
	}
	return Contender{path, node.Data, node.Stat, node.Hidden}, watch, err
}

func (l *Queue) watchEmpty(ctx context.Context, s *core.Session) (*core.Watch, error) {
	names, _, watch, err := s.ChildrenW(ctx, l.dir)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return nil, nil
	case err != nil:
		return nil, err
	case len(InOrder(names, l.tags)) > 0:
		watch.Stop()
		return nil, nil
	}
	return watch, nil
}

func (l *Queue) watchMissing(ctx context.Context, s *core.Session) (*core.Watch, error) {
	_, found, watch, err := s.ExistsW(ctx, l.dir)
	if err == nil && found {
		watch.Stop()
		return nil, nil
	}
	return watch, err
}
