package queue

import (
	"context"
	"fmt"
	"sort"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// Msg is one item of a batch.
type Msg struct {
	Data []byte
	Opts []PutOption
}

// batchSize bounds the number of items in one transaction. A longer transaction
// would make all other clients wait, for no gain.
const batchSize = 1000

// PutBatch puts items in order, as many in one transaction as fit into a
// request, and returns their IDs. A transaction is put as a whole or not at
// all. If one fails, the transactions before it have been put, and none after
// it has been sent. PutBatch then returns the IDs of the items that were put,
// and the error says how many there are. With session.ErrUnknownOutcome, the
// items directly after the returned IDs may have been put: the transaction of
// these items has an unknown outcome.
//
// If an item can never be put, because of its size or its options, PutBatch
// returns the error before it sends anything. With a Limit, each transaction
// waits for room for all of its items. ctx and the errors are as in Put.
func (q *Queue) PutBatch(ctx context.Context, items ...Msg) ([]ID, error) {
	q.made()
	ids, err := q.putBatch(ctx, items)
	return ids, q.failed(ctx, "put batch into queue", err)
}

func (q *Queue) putBatch(ctx context.Context, items []Msg) ([]ID, error) {
	if q.err != nil {
		return nil, q.err
	}
	ops := make([]core.Op, len(items))
	for i, item := range items {
		n, err := q.named(item.Opts)
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", i+1, err)
		}
		path, raw := znode.Join(q.items, q.layout.prefix(n)), q.layout.encode(item.Data)
		if err := q.fits(path, raw); err != nil {
			return nil, fmt.Errorf("item %d: %w", i+1, err)
		}
		ops[i] = core.CreateOp(path, raw, core.Sequential)
	}
	var ids []ID
	for len(ids) < len(ops) {
		made, err := q.putSome(ctx, q.head(ops[len(ids):]))
		if err != nil {
			return ids, fmt.Errorf("%d of %s put: %w", len(ids), plural(len(ops), "item"), err)
		}
		ids = append(ids, made...)
	}
	return ids, nil
}

// head returns as many of the operations as go into one transaction. The caller
// has checked that each fits by itself.
func (q *Queue) head(ops []core.Op) []core.Op {
	limit := min(len(ops), batchSize)
	if q.o.limit > 0 {
		limit = min(limit, q.o.limit)
	}
	if q.sm.Fits(ops[:limit]...) == nil {
		return ops[:limit]
	}
	return ops[:1+sort.Search(limit-1, func(i int) bool { return q.sm.Fits(ops[:i+2]...) != nil })]
}

func (q *Queue) putSome(ctx context.Context, ops []core.Op) ([]ID, error) {
	if err := q.room(ctx, len(ops), true); err != nil {
		return nil, err
	}
	var results []core.OpResult
	err := q.inItems(ctx, func(s *core.Session) (err error) {
		results, err = s.Txn(ctx, ops...)
		return err
	})
	if err != nil {
		return nil, err
	}
	ids := make([]ID, len(results))
	for i, r := range results {
		if ids[i], err = q.idOf(r.Path); err != nil {
			return nil, err
		}
	}
	return ids, nil
}
