package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/queue"
)

var payload = bytes.Repeat([]byte("x"), 100)

const batch = 100

func queueMeasures() []measure {
	noQueue := map[string]string{goZK: "has no queue", etcd: "its queue is experimental and not released with the client"}
	put := putSubjects(100)
	return []measure{
		{
			name: "queue/put", title: "Put of an item of 100 bytes", clients: 1,
			turns: 3, subjects: put, absent: noQueue,
			budgets: []budget{against(floor, 1/0.9)},
		},
		{
			name: "queue/put-batch", title: "PutBatch of 100, per item", unit: perOp, clients: 1,
			subjects: []subject{
				put[0], // one create at a time
				{docent, func(e env) (sample, error) {
					sms, err := e.site.sm(1)
					if err != nil {
						return sample{}, err
					}
					q := queue.New(sms[0], e.dir)
					return inBatches(40, func() error {
						_, err := q.PutBatch(e, messages(batch)...)
						return err
					})
				}},
				{"bare multi", func(e env) (sample, error) {
					conns, err := e.site.raw(1)
					if err != nil {
						return sample{}, err
					}
					if _, err := conns[0].Create(e.dir, nil, 0, open); err != nil {
						return sample{}, err
					}
					return inBatches(40, func() error { return createMany(conns[0], e.dir+"/queue-", batch) })
				}},
			},
			absent: map[string]string{
				goZK: "has no queue", curator: "its putMulti makes one node of many items", kazoo: "has no batches that wait for their answer",
				etcd: noQueue[etcd],
			},
			budgets: []budget{against(floor, 0.1)},
		},
		{
			name: "queue/take", title: "Take + Ack", clients: 1,
			subjects: []subject{
				{floor, func(e env) (sample, error) { return zkTake(e, 150) }},
				{docent, docentTake(150)},
				external(curator, task{verb: "take", ops: 150}),
				external(kazoo, task{verb: "take", ops: 150}),
			},
			absent:  noQueue,
			budgets: []budget{against(floor, 1.3)},
		},
		{
			name: "queue/consume", title: "Consume with claims (Curator: lockPath; kazoo: LockingQueue), per item", unit: perOp, clients: 1,
			subjects: []subject{
				{floor, func(e env) (sample, error) { return zkTake(e, 150) }},
				{docent, docentConsume(3000)},
				external(curator, task{verb: "consume", ops: 100}),
				external(kazoo, task{verb: "consume", ops: 100}),
			},
			absent:  noQueue,
			budgets: []budget{against(curator, 0.12)},
		},
	}
}

func putSubjects(ops int) []subject {
	return []subject{
		{floor, func(e env) (sample, error) {
			conns, err := e.site.raw(1)
			if err != nil {
				return sample{}, err
			}
			if _, err := conns[0].Create(e.dir, nil, 0, open); err != nil {
				return sample{}, err
			}
			return eachOp(ops, func(int) error {
				_, err := conns[0].Create(e.dir+"/queue-", payload, zk.FlagSequence, open)
				return err
			})
		}},
		{docent, func(e env) (sample, error) {
			sms, err := e.site.sm(1)
			if err != nil {
				return sample{}, err
			}
			q := queue.New(sms[0], e.dir)
			return eachOp(ops, func(int) error {
				_, err := q.Put(e, payload)
				return err
			})
		}},
		external(curator, task{verb: "put", ops: ops}),
		external(kazoo, task{verb: "put", ops: ops}),
	}
}

func messages(n int) []queue.Msg {
	items := make([]queue.Msg, n)
	for i := range items {
		items[i].Data = payload
	}
	return items
}

// inBatches times batches, and counts their items.
func inBatches(batches int, f func() error) (sample, error) {
	s, err := eachOp(batches, func(int) error { return f() })
	s.ops, s.each = batches*batch, nil
	return s, err
}

func createMany(conn *zk.Conn, prefix string, n int) error {
	ops := make([]any, n)
	for i := range ops {
		ops[i] = &zk.CreateRequest{Path: prefix, Data: payload, Acl: open, Flags: zk.FlagSequence}
	}
	_, err := conn.Multi(ops...)
	return err
}

// zkTake is a claim, a get and a delete of items whose names are known. The
// claim is deleted along with the item, as in a queue.
func zkTake(e env, ops int) (sample, error) {
	conns, err := e.site.raw(1)
	if err != nil {
		return sample{}, err
	}
	conn := conns[0]
	for _, dir := range []string{e.dir, e.dir + "/items", e.dir + "/claims"} {
		if _, err := conn.Create(dir, nil, 0, open); err != nil {
			return sample{}, err
		}
	}
	for range (ops + warmth(ops) + batch - 1) / batch {
		if err := createMany(conn, e.dir+"/items/queue-", batch); err != nil {
			return sample{}, err
		}
	}
	names, _, err := conn.Children(e.dir + "/items")
	if err != nil {
		return sample{}, err
	}
	return eachOp(ops, func(i int) error {
		item, claim := e.dir+"/items/"+names[i], e.dir+"/claims/"+names[i]
		if _, err := conn.Create(claim, nil, zk.FlagEphemeral, open); err != nil {
			return err
		}
		if _, _, err := conn.Get(item); err != nil {
			return err
		}
		_, err := conn.Multi(&zk.DeleteRequest{Path: item, Version: -1}, &zk.DeleteRequest{Path: claim, Version: -1})
		return err
	})
}

// fill puts n items.
func fill(ctx context.Context, q *queue.Queue, n int) error {
	for n > 0 {
		items := messages(min(n, 1000))
		if _, err := q.PutBatch(ctx, items...); err != nil {
			return err
		}
		n -= len(items)
	}
	return nil
}

func docentTake(ops int) func(env) (sample, error) {
	return func(e env) (sample, error) {
		sms, err := e.site.sm(1)
		if err != nil {
			return sample{}, err
		}
		q := queue.New(sms[0], e.dir)
		if err := fill(e, q, ops+warmth(ops)); err != nil {
			return sample{}, err
		}
		return takeAll(e, q, ops)
	}
}

func takeAll(e env, q *queue.Queue, ops int) (sample, error) {
	return eachOp(ops, func(int) error {
		item, err := q.Take(e)
		if err != nil {
			return err
		}
		return item.Ack()
	})
}

func docentConsume(ops int) func(env) (sample, error) {
	return func(e env) (sample, error) {
		sms, err := e.site.sm(1)
		if err != nil {
			return sample{}, err
		}
		q := queue.New(sms[0], e.dir)
		if err := fill(e, q, ops); err != nil {
			return sample{}, err
		}
		ctx, cancel := e.deadline()
		defer cancel()
		var done atomic.Int64
		start := time.Now()
		err = q.Consume(ctx, func(context.Context, *queue.Item) error {
			if done.Add(1) == int64(ops) {
				cancel()
			}
			return nil
		}, queue.Prefetch(32))
		s := sample{ops: ops, elapsed: time.Since(start)} // includes the last acknowledgements
		if done.Load() < int64(ops) {
			return sample{}, cmp.Or(err, fmt.Errorf("%d of %d items were consumed", done.Load(), ops))
		}
		return s, nil
	}
}
