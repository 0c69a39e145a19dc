package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// partitionMeasures make 100 members divide 1,000 partitions, on the embedded
// server.
func partitionMeasures() []measure {
	const title = "Partitioner, 1,000 partitions, 100 members that come at once: "
	return []measure{
		{
			name: "group/partitions-settle", title: title + "time until each has its share", unit: counted, of: "ms", clients: 100, rounds: 2, cold: true,
			subjects: []subject{{docent, divided(1000, 100, func(took time.Duration, _ int) float64 { return float64(took.Milliseconds()) })}},
			absent:   onlyDocent(), budgets: []budget{atMost(1500)},
		},
		{
			name: "group/partitions-reads", title: title + "reads", unit: counted, of: "reads", clients: 100, rounds: 1, cold: true,
			subjects: []subject{{docent, divided(1000, 100, func(_ time.Duration, reads int) float64 { return float64(reads) })}},
			absent:   onlyDocent(), budgets: []budget{atMost(20_000)},
		},
	}
}

func divided(partitions, members int, of func(took time.Duration, reads int) float64) func(env) (sample, error) {
	return func(e env) (s sample, err error) {
		srv, err := zktest.Start()
		if err != nil {
			return sample{}, err
		}
		defer func() { err = errors.Join(err, srv.Close()) }()
		var sms []*session.Manager
		defer func() {
			for _, sm := range sms {
				err = errors.Join(err, sm.Close())
			}
		}()
		for range members {
			sm, err := session.Dial(e, session.Config{Servers: []string{"zk1"}, Dialer: srv.DialContext, Timeout: 30 * time.Second})
			if err != nil {
				return sample{}, err
			}
			sms = append(sms, sm)
		}
		ctx, cancel := e.deadline()
		defer cancel()
		shares := newShares(partitions, members)
		errs := make([]error, members)
		var work sync.WaitGroup
		srv.ResetCounts()
		start := time.Now()
		for m, sm := range sms {
			work.Go(func() {
				id := fmt.Sprintf("m%03d", m)
				errs[m] = groupmembership.NewPartitioner(sm, e.dir, partitions).Run(ctx, id, func(ctx context.Context, _ *groupmembership.Partition) error {
					shares.change(m, 1)
					<-ctx.Done()
					shares.change(m, -1)
					return nil
				})
			})
		}
		select {
		case <-shares.even:
			s.value = of(time.Since(start), reads(srv))
		case <-ctx.Done():
			err = fmt.Errorf("the partitions are not divided: %w", ctx.Err())
		}
		cancel()
		work.Wait()
		for _, failed := range errs {
			if !errors.Is(failed, context.Canceled) {
				err = errors.Join(err, failed)
			}
		}
		return s, err
	}
}

// reads counts the requests that change nothing.
func reads(srv *zktest.Server) int {
	n := 0
	for _, op := range []zktest.Op{zktest.OpGetData, zktest.OpGetChildren, zktest.OpGetChildren2, zktest.OpExists, zktest.OpMultiRead} {
		n += srv.Count(op)
	}
	return n
}

// shares counts the partitions of each member.
type shares struct {
	mu    sync.Mutex
	due   int
	has   []int
	right int // members with their full share
	even  chan struct{}
	once  sync.Once
}

func newShares(partitions, members int) *shares {
	return &shares{due: partitions / members, has: make([]int, members), even: make(chan struct{})}
}

// change notes that a member has one partition more, or one less.
func (s *shares) change(member, by int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.has[member] == s.due {
		s.right--
	}
	if s.has[member] += by; s.has[member] == s.due {
		s.right++
	}
	if s.right == len(s.has) {
		s.once.Do(func() { close(s.even) })
	}
}
