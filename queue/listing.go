package queue

import (
	"context"
	"errors"

	"github.com/docent-go/docent/internal/core"
)

// parse returns the items among the children of a directory. Whatever else lies
// there is a stranger's.
func (q *Queue) parse(texts []string) []name {
	names := make([]name, 0, len(texts))
	for _, text := range texts {
		if n, ok := q.layout.parse(text); ok {
			names = append(names, n)
		}
	}
	return names
}

// listItems lists the directory of the items, with a watch that fires when that
// changes, or when there is one.
func (q *Queue) listItems(ctx context.Context, s *core.Session) ([]string, *core.Watch, error) {
	for {
		texts, _, watch, err := s.ChildrenW(ctx, q.items)
		if !errors.Is(err, core.ErrNoNode) {
			return texts, watch, err
		}
		_, found, watch, err := s.ExistsW(ctx, q.items)
		if err != nil || !found {
			return nil, watch, err
		}
		watch.Stop() // it was made in between
	}
}

// listClaims lists who has claims, with a watch if that is wanted.
func (q *Queue) listClaims(ctx context.Context, s *core.Session, watched bool) ([]string, *core.Watch, error) {
	list := func() (texts []string, watch *core.Watch, err error) {
		if watched {
			texts, _, watch, err = s.ChildrenW(ctx, q.claims)
			return texts, watch, err
		}
		texts, _, err = s.Children(ctx, q.claims)
		return texts, nil, err
	}
	texts, watch, err := list()
	if errors.Is(err, core.ErrNoNode) {
		return nil, nil, nil // then there is no claim whose end could be missed
	}
	return texts, watch, err
}
