package views

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// Seen is a child of a directory as Within has read it.
type Seen struct {
	Name string
	core.Sighting
	Unread bool // its data is beyond the limit in bytes: only the stat was read
}

// Within reads children of a directory once, within the limits of a Tree with
// these names: see limit.go. It leaves out children that are gone. ctx bounds
// the requests. The errors are the errors of core.Session.SeeMany.
func Within(ctx context.Context, sm *core.Manager, dir string, names []string, limit, maxBytes int) ([]Seen, LeftOut, error) {
	slices.Sort(names)
	var out LeftOut
	for i := limit; i < len(names); i++ {
		out.add(names[i], 0)
	}
	paths := make([]string, min(limit, len(names)))
	all := make([]*Seen, len(paths)) // nil for a child that is gone
	for i := range paths {
		paths[i] = znode.Join(dir, names[i])
	}
	// Data in order, until something does not fit; then stats; then the data of
	// those that fit after all.
	at, held := 0, 0
	for at < len(paths) && held < maxBytes {
		some, err := sm.SeeSome(ctx, paths[at:], maxBytes-held)
		if err != nil {
			return nil, LeftOut{}, err
		}
		for i, node := range some {
			if node == nil {
				continue
			}
			all[at+i] = &Seen{Name: names[at+i], Sighting: *node}
			held += all[at+i].size()
		}
		at += len(some)
	}
	if err := seeStats(ctx, sm, paths[at:], names[at:], all[at:]); err != nil {
		return nil, LeftOut{}, err
	}
	if err := fill(ctx, sm, paths, all, maxBytes, &out); err != nil {
		return nil, LeftOut{}, err
	}
	seen := make([]Seen, 0, len(all))
	for _, s := range all {
		if s != nil {
			seen = append(seen, *s)
		}
	}
	out.sort()
	return seen, out, nil
}

func (s *Seen) size() int {
	if s.Hidden {
		return len(s.Name)
	}
	return len(s.Name) + int(s.Stat.DataLength)
}

// seeStats reads the stats of children.
func seeStats(ctx context.Context, sm *core.Manager, paths, names []string, all []*Seen) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(window)
	for i, path := range paths {
		work.Go(func() error {
			stat, found, err := sm.Exists(ctx, path)
			if err == nil && found {
				all[i] = &Seen{Name: names[i], Sighting: core.Sighting{Stat: stat, Hidden: core.Hidden(stat)}, Unread: true}
			}
			return err
		})
	}
	return work.Wait()
}

// fill decides which children fit, drops the data of the others, and reads the
// data that is missing.
func fill(ctx context.Context, sm *core.Manager, paths []string, all []*Seen, maxBytes int, out *LeftOut) error {
	var missing []int
	left := maxBytes
	for i, s := range all {
		switch {
		case s == nil:
		case s.size() > left:
			s.Data, s.Unread = nil, true
			out.add(s.Name, s.size())
		default:
			left -= s.size()
			if s.Unread {
				missing = append(missing, i)
			}
		}
	}
	for len(missing) > 0 {
		again := make([]string, len(missing))
		for k, i := range missing {
			again[k] = paths[i]
		}
		some, err := sm.SeeSome(ctx, again, maxBytes)
		if err != nil {
			return err
		}
		for k, node := range some {
			i := missing[k]
			if node == nil {
				all[i] = nil
				continue
			}
			all[i].Sighting, all[i].Unread = *node, false
		}
		missing = missing[len(some):]
	}
	return nil
}
