package lock_test

import (
	"context"

	"github.com/docent-go/docent/lock"
)

// kind is a kind of lock as the simulations see it.
type kind struct {
	// acquire takes the lock in one of the ways there are; patiently, it waits.
	acquire func(ctx context.Context, d *dice, p *process, patiently bool) (grasp, error)
	// nodes returns the paths of the existing contenders' znodes.
	nodes func(w *world) []string
}

// grasp is a hold of any kind.
type grasp struct {
	*lock.Hold
	shared     bool // with other shared ones
	downgraded bool
	downgrade  func(context.Context) (*lock.Hold, error) // may be nil
}

var mutexes = kind{
	acquire: func(ctx context.Context, d *dice, p *process, patiently bool) (grasp, error) {
		acquire := p.mutex().Lock
		if !patiently && d.n(3) == 0 {
			acquire = p.mutex().TryLock
		}
		h, err := acquire(ctx)
		return grasp{Hold: h}, err
	},
	nodes: contenderPaths,
}

var oneNodes = kind{
	acquire: func(ctx context.Context, d *dice, p *process, patiently bool) (grasp, error) {
		m := lock.NewOneNode(p.Manager, dir)
		acquire := m.Lock
		if !patiently && d.n(3) == 0 {
			acquire = m.TryLock
		}
		h, err := acquire(ctx)
		return grasp{Hold: h}, err
	},
	nodes: func(w *world) []string {
		if _, stands := w.srv.Node(dir); stands {
			return []string{dir}
		}
		return nil
	},
}

var rwMutexes = kind{
	acquire: func(ctx context.Context, d *dice, p *process, patiently bool) (grasp, error) {
		m := lock.NewRWMutex(p.Manager, dir)
		try := !patiently && d.n(3) == 0
		if d.n(3) > 0 {
			acquire := m.RLock
			if try {
				acquire = m.TryRLock
			}
			h, err := acquire(ctx)
			return grasp{Hold: h, shared: true}, err
		}
		acquire := m.Lock
		if try {
			acquire = m.TryLock
		}
		h, err := acquire(ctx)
		if err != nil {
			return grasp{}, err
		}
		return grasp{Hold: &h.Hold, downgrade: h.Downgrade}, nil
	},
	nodes: contenderPaths,
}

func contenderPaths(w *world) []string {
	nodes := w.nodes()
	for i, name := range nodes {
		nodes[i] = dir + "/" + name
	}
	return nodes
}
