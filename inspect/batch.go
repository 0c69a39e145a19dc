package inspect

import (
	"context"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// batchSize is the number of nodes in a batch. Once a batch has read batchBytes,
// its other nodes are read one by one, without large data.
const (
	batchSize  = 16
	batchBytes = 256 << 10
)

// visitAll reads the wanted nodes into found, with nil for a node that is gone.
// A scan with watches reads node by node, since a batch sets no watches.
func (s *scan) visitAll(ctx context.Context, wants []want, found []*node) error {
	if s.changed != nil {
		return eachOf(len(wants), func(i int) (err error) {
			found[i], err = s.visit(ctx, wants[i])
			return err
		})
	}
	var batches [][2]int
	for from := 0; from < len(wants); from += batchSize {
		batches = append(batches, [2]int{from, min(from+batchSize, len(wants))})
	}
	single := make([]bool, len(wants))
	err := eachOf(len(batches), func(i int) (err error) {
		from, to := batches[i][0], batches[i][1]
		if !s.bulky() {
			n, err := s.readBatch(ctx, wants[from:to], found[from:to])
			if err != nil {
				return err
			}
			from += n
		}
		for k := from; k < to && err == nil; k++ {
			single[k] = true
			found[k], err = s.visit(ctx, wants[k])
		}
		return err
	})
	if err != nil {
		return err
	}
	var inner []int // the nodes whose children are to be listed
	for i, n := range found {
		if n != nil && !single[i] && !wants[i].ofRecipe && n.hidden != hiddenNode {
			inner = append(inner, i)
		}
	}
	return eachOf(len(inner), func(k int) error {
		i := inner[k]
		n := found[i]
		wanted, err := s.open(ctx, n)
		switch {
		case gone(err):
			found[i] = nil
			return nil
		case err != nil:
			return err
		case !wanted:
			n.data = nil
			if n.hidden == hiddenData {
				n.hidden = ""
			}
		}
		return nil
	})
}

// readBatch reads the stat and the data of the first nodes in one request. It
// returns how many it has read.
func (s *scan) readBatch(ctx context.Context, wants []want, found []*node) (int, error) {
	paths := make([]string, len(wants))
	for i, w := range wants {
		paths[i] = znode.Join(w.parent.path, w.name)
	}
	var seen []*core.Sighting
	err := s.do(ctx, paths[0], func(now *core.Session) (_ *core.Watch, err error) {
		seen, err = now.SeeSome(ctx, paths, batchBytes)
		return nil, err
	})
	if err != nil {
		return 0, err
	}
	bytes := 0
	for i, one := range seen {
		if one == nil {
			continue
		}
		bytes += len(one.Data)
		if one.Hidden {
			s.count(nil) // the second request
		}
		w := wants[i]
		found[i] = nodeOf(paths[i], w.name, *one)
		found[i].parent, found[i].depth = w.parent, w.parent.depth+1
		if w.ofRecipe {
			found[i].trim()
		} else if len(one.Data) > maxData {
			found[i].data = nil // a key's
		}
	}
	s.batched(bytes, len(seen))
	return len(seen), nil
}
