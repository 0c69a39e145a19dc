package line

import (
	"context"
	"errors"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/znode"
)

// First returns who is first in line, and false when nobody is. It costs a
// list and a read. ctx bounds both.
func (l *Line) First(ctx context.Context) (Contender, bool, error) {
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
			return Contender{}, false, GaveUp(ctx, err)
		}
		places := InOrder(names, l.tags)
		if len(places) == 0 {
			return Contender{}, false, nil
		}
		c, err := l.read(ctx, znode.Join(l.dir, places[0].Name))
		if err != nil {
			return Contender{}, false, GaveUp(ctx, err)
		}
		if c != nil { // else it has gone since: look again
			return *c, true, nil
		}
	}
}

// FirstW is First within one session, with a watch that fires when somebody
// else may be first, or the first's data may be other. It watches the first
// contender alone, so that the coming and going behind it wakes nobody; where
// there is none, the directory's children; where there is no directory, its
// making. The caller stops the watch. There is none with an error.
//
// An empty line is listed twice: the second list alone leaves a watch. A watch that came
// with the first list would be of no use where there is a contender, which is the rule: when
// one goes, the next stands behind it. The server would have to be asked to take that watch
// back, and a line that changes would wake this session for nothing until then. So a line
// with contenders costs a list and a read, and an empty one a list more, which is short.
func (l *Line) FirstW(ctx context.Context, s *core.Session) (Contender, bool, *core.Watch, error) {
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
		// What was to be watched has changed since: look again.
	}
}

// The three watches of FirstW. Each returns neither a watch nor an error when
// it does not find what it was called for.

func watchNode(ctx context.Context, s *core.Session, path string) (Contender, *core.Watch, error) {
	node, watch, err := s.SeeW(ctx, path)
	if errors.Is(err, core.ErrNoNode) {
		return Contender{}, nil, nil
	}
	return Contender{path, node.Data, node.Stat, node.Hidden}, watch, err
}

func (l *Line) watchEmpty(ctx context.Context, s *core.Session) (*core.Watch, error) {
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

func (l *Line) watchMissing(ctx context.Context, s *core.Session) (*core.Watch, error) {
	_, found, watch, err := s.ExistsW(ctx, l.dir)
	if err == nil && found {
		watch.Stop()
		return nil, nil
	}
	return watch, err
}
