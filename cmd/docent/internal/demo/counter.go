package demo

import (
	"context"
	"sync"

	"github.com/docent-go/docent/counter"
)

// counting: four processes add to one number at the same time, and take
// numbers from one sequence. Nothing is lost, and no number is given twice.
func counting(ctx context.Context, s *stage) error {
	const each = 25
	names := []string{"ann", "ben", "cleo", "dan"}
	var mu sync.Mutex
	given := make(map[int64]string)
	twice := false
	failed := make(chan error, len(names))
	var workers sync.WaitGroup
	var last *process
	for _, name := range names {
		p, err := s.enter(ctx, name)
		if err != nil {
			return err
		}
		last = p
		workers.Go(func() {
			orders := counter.New(p.Manager, "/demo/orders")
			ids := counter.NewSequence(p.Manager, "/demo/invoice", counter.Block(10))
			defer ids.Close() // never fails
			for range each {
				_, err := orders.Add(ctx, 1)
				var id int64
				if err == nil {
					id, err = ids.Next(ctx)
				}
				if err != nil {
					failed <- err
					return
				}
				mu.Lock()
				_, taken := given[id]
				twice = twice || taken
				given[id] = name
				mu.Unlock()
			}
			s.say(name, "has added 1 to the number %d times, and taken %d invoice numbers", each, each)
		})
	}
	workers.Wait()
	if err := joined(failed); err != nil {
		return err
	}
	total, err := counter.New(last.Manager, "/demo/orders").Get(ctx)
	if err != nil {
		return err
	}
	if err := s.claim(total.N == each*int64(len(names)), "the number is %d: each of the %d additions was counted once", total.N, each*len(names)); err != nil {
		return err
	}
	return s.claim(!twice && len(given) == each*len(names), "%d invoice numbers were given, none of them twice", len(given))
}
