package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// partitionMeasures tell what it costs to divide partitions among members that start
// at once, on the embedded server: it counts requests, and no disk has part in it.
func partitionMeasures() []measure {
	const partitions, members = 1000, 100
	var all []measure
	for _, m := range []struct {
		name, title, of string
		most            float64
		value           func(settling) float64
	}{
		{"settle", "until each has its share", "ms", 1500, func(s settling) float64 { return float64(s.took.Milliseconds()) }},
		{"reads", "requests that read or watch", "requests", 20_000, func(s settling) float64 { return float64(s.reads) }},
		{"nodes", "nodes read in batches", "nodes", 150_000, func(s settling) float64 { return float64(s.nodes) }},
		{"moves", "partitions that begin to be worked on", "partitions", 1.25 * partitions, func(s settling) float64 { return float64(s.moves) }},
	} {
		all = append(all, measure{
			name: "partitions/" + m.name, title: fmt.Sprintf("1,000 partitions, 100 members: %s", m.title),
			unit: counted, of: m.of, clients: members, rounds: growthRounds,
			subjects: []subject{{docent, func(e env) (sample, error) {
				s, err := settle(e, partitions, members)
				return sample{value: m.value(s)}, err
			}}},
			budgets: []budget{{"", m.most}},
		})
	}
	return all
}

// settling is what it took until each member had its share.
type settling struct {
	took                time.Duration
	reads, nodes, moves int64
}

// settle has members divide partitions.
func settle(e env, partitions, members int) (result settling, err error) {
	srv, err := zktest.Start()
	if err != nil {
		return settling{}, err
	}
	defer srv.Close()
	var sms []*session.Manager
	defer func() {
		for _, sm := range sms {
			err = errors.Join(err, sm.Close())
		}
	}()
	for range members {
		sm, err := session.Dial(e, session.Config{Servers: []string{"zk1"}, Dialer: srv.DialContext, Timeout: 30 * time.Second})
		if err != nil {
			return settling{}, err
		}
		sms = append(sms, sm)
	}
	var nodes, moves atomic.Int64
	srv.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op == zktest.OpMultiRead {
			nodes.Add(int64(len(r.Ops)))
		}
		return zktest.Pass
	})
	owned := make([]atomic.Int64, members)
	ctx, cancel := context.WithCancel(e)
	failed := make(chan error, members)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	srv.ResetCounts()
	start := time.Now()
	for i, sm := range sms {
		work.Go(func() {
			p := groupmembership.NewPartitioner(sm, e.dir, partitions)
			failed <- p.Run(ctx, fmt.Sprintf("m%03d", i), func(ctx context.Context, _ *groupmembership.Partition) error {
				moves.Add(1)
				owned[i].Add(1)
				defer owned[i].Add(-1)
				<-ctx.Done()
				return nil
			})
		})
	}
	for !shared(owned, partitions) {
		select {
		case err := <-failed:
			return settling{}, cmp.Or(err, errors.New("a member ended its Run"))
		case <-time.After(time.Millisecond):
		}
	}
	result = settling{took: time.Since(start), nodes: nodes.Load(), moves: moves.Load()}
	counts := srv.Counts()
	for _, op := range []zktest.Op{
		zktest.OpGetData, zktest.OpExists, zktest.OpGetChildren, zktest.OpGetChildren2, zktest.OpMultiRead,
		zktest.OpAddWatch, zktest.OpSetWatches, zktest.OpSetWatches2,
	} {
		result.reads += int64(counts[op])
	}
	return result, nil
}

// shared reports whether all partitions are owned, within one of the same number by each.
func shared(owned []atomic.Int64, partitions int) bool {
	total := 0
	for i := range owned {
		n := int(owned[i].Load())
		if total += n; n < partitions/len(owned) || n > (partitions+len(owned)-1)/len(owned) {
			return false
		}
	}
	return total == partitions
}
