package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/queue"
)

const (
	waitingItems    = 100_000
	mostConsumers   = 16
	fourConsumers   = "docent, 4 consumers"
	oneConsumer     = "docent, 1 consumer"
	consumersSettle = time.Second
	consumersWindow = 500 * time.Millisecond
	consumersLook   = 50 * time.Millisecond

	consumersPatience = 30 * time.Second
)

// waitingMeasures measure the throughput of consumers that share a long queue.
func waitingMeasures() []measure {
	ours := []subject{
		{docent, waitingFor(docentStock, mostConsumers)},
		{fourConsumers, waitingFor(docentStock, 4)},
		{oneConsumer, waitingFor(docentStock, 1)},
	}
	m := measure{
		unit: perOp, clients: mostConsumers, rounds: 2, cold: true,
		budgets: []budget{
			against(oneConsumer, 1/1.5), against(fourConsumers, 1),
			{subject: fourConsumers, against: oneConsumer, most: 1},
		},
	}
	real, embedded := m, m
	real.name, real.title = "queue/waiting", "100,000 items wait for 16 consumers with a session each, per acknowledgement"
	real.site, real.subjects = stocked, append(ours, peerStock(curator, curatorStock), peerStock(kazoo, kazooStock))
	embedded.name, embedded.title = "queue/waiting-embedded", real.title+", embedded server"
	embedded.site, embedded.subjects = inMemory, ours
	return []measure{real, embedded}
}

// stock is a queue in which many items wait.
type stock struct {
	name  string
	size  int
	items string // the directory of the items, relative to the queue
	put   func(e env, dir string, n int) error
	start func(e env, dir string, consumers int) (stop func() error, err error)
}

var docentStock = stock{
	name: docent, size: waitingItems, items: "/items",
	put: func(e env, dir string, n int) error {
		sms, err := e.site.sm(1)
		if err != nil {
			return err
		}
		return fill(e, queue.New(sms[0], dir), n)
	},
	start: docentConsumers,
}

// curatorStock has the items of a DistributedQueue; Docent uses the same
// layout.
var curatorStock = stock{
	name: curator, size: waitingItems, items: "/q",
	put: func(e env, dir string, n int) error {
		sms, err := e.site.sm(1)
		if err != nil {
			return err
		}
		return fill(e, queue.New(sms[0], dir, queue.Items(dir+"/q")), n)
	},
}

// kazooStock has the items of a LockingQueue.
var kazooStock = stock{
	name: kazoo, size: waitingItems, items: "/entries",
	put: func(e env, dir string, n int) error {
		conns, err := e.site.raw(1)
		if err != nil {
			return err
		}
		for _, path := range []string{dir, dir + "/entries"} {
			if _, err := conns[0].Create(path, nil, 0, open); err != nil && !errors.Is(err, zk.ErrNodeExists) {
				return err
			}
		}
		return createAll(conns[0], n, func(int) *zk.CreateRequest {
			return &zk.CreateRequest{Path: dir + "/entries/entry-100-", Data: payload, Acl: open, Flags: zk.FlagSequence}
		})
	},
}

// peerStock measures a driver's consumers of a stock.
func peerStock(name string, s stock) subject {
	s.start = func(e env, dir string, consumers int) (func() error, error) {
		_, err := ask(e, name, dir, task{verb: "consumers", clients: consumers, sessions: consumers})
		return func() error {
			_, err := ask(e, name, dir, task{verb: "stop"})
			return err
		}, err
	}
	return subject{name, waitingFor(s, mostConsumers)}
}

func docentConsumers(e env, dir string, consumers int) (func() error, error) {
	sms, err := e.site.sm(consumers)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(e)
	errs := make([]error, consumers)
	var work sync.WaitGroup
	for i, sm := range sms {
		work.Go(func() {
			err := queue.New(sm, dir).Consume(ctx, func(context.Context, *queue.Item) error { return nil }, queue.Prefetch(32))
			if !errors.Is(err, context.Canceled) {
				errs[i] = fmt.Errorf("consumer %d has ended: %w", i, err)
			}
		})
	}
	return func() error {
		cancel()
		work.Wait()
		return errors.Join(errs...)
	}, nil
}

// waitingFor counts how many items disappear from the server in a period, which
// begins when the consumers are at work. The queue is filled up again before
// the next start.
func waitingFor(s stock, consumers int) func(env) (sample, error) {
	return func(e env) (got sample, err error) {
		dir, err := e.lab.fixture(s.name+" queue at "+e.site.String(), func(string) error { return nil })
		if err != nil {
			return sample{}, err
		}
		conns, err := e.site.raw(1)
		if err != nil {
			return sample{}, err
		}
		items := dir + s.items
		left, err := standingBelow(conns[0], items)
		if err != nil {
			return sample{}, err
		}
		if err := s.put(e, dir, s.size-left); err != nil {
			return sample{}, err
		}
		stop, err := s.start(e, dir, consumers)
		if err != nil {
			return sample{}, err
		}
		defer func() { err = errors.Join(err, stop()) }()
		ctx, cancel := context.WithTimeout(e, consumersPatience)
		defer cancel()
		before, _, err := consumed(ctx, conns[0], items, s.size, consumersSettle)
		if err != nil {
			return sample{}, err
		}
		after, elapsed, err := consumed(ctx, conns[0], items, before, consumersWindow)
		if err != nil {
			return sample{}, err
		}
		if after == 0 {
			return sample{}, errors.New("no item is left: the consumers may have waited for items")
		}
		return sample{ops: before - after, elapsed: elapsed}, nil
	}
}

// consumed waits for d, and longer until the queue is shorter than it was. It
// returns the length of the queue then.
func consumed(ctx context.Context, conn *zk.Conn, items string, was int, d time.Duration) (left int, elapsed time.Duration, err error) {
	start := time.Now()
	for left = was; left >= was; d = consumersLook {
		if err := pause(ctx, d); err != nil {
			return left, 0, fmt.Errorf("%d of %d items are left: %w", left, was, err)
		}
		if left, err = standingBelow(conn, items); err != nil {
			return left, 0, err
		}
	}
	return left, time.Since(start), nil
}

// standingBelow returns the number of children of a znode; 0 if it does not
// exist.
func standingBelow(conn *zk.Conn, path string) (int, error) {
	_, stat, err := conn.Exists(path)
	if err != nil {
		return 0, err
	}
	return int(stat.NumChildren), nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
