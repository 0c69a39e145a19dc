package queue

import (
	"context"
	"errors"
	"sync"

	"github.com/docent-go/docent/internal/core"
)

// acks sends acknowledgements that come at the same time in one transaction.
// One transaction is under way at a time; acknowledgements that come meanwhile
// go with the next. If the server refuses a transaction of several, each
// acknowledgement is sent by itself, so that none fails because of another.
type acks struct {
	p *snapshot // is told of the transactions

	mu      sync.Mutex
	sending bool
	waiting []*ack
}

// ack is one acknowledgement: the operations that delete an item and its claim.
type ack struct {
	s      *core.Session
	ops    []core.Op
	answer chan answer
}

// answer is what send gives to a waiting ack: the outcome, or a batch to send.
type answer struct {
	err   error
	batch []*ack
}

// maxAcks bounds how many acknowledgements go into one transaction.
const maxAcks = 64

// errAlone says that an acknowledgement is to be sent by itself. It is not
// returned to users.
var errAlone = errors.New("the acknowledgement is sent by itself")

// send returns the error of the transaction that the operations were part of.
// It is errAlone if nothing was done.
func (a *acks) send(ctx context.Context, s *core.Session, ops []core.Op) error {
	mine := &ack{s, ops, make(chan answer, 1)}
	a.mu.Lock()
	batch := []*ack{mine}
	if a.sending {
		a.waiting = append(a.waiting, mine)
		batch = nil
	}
	a.sending = true
	a.mu.Unlock()
	if batch == nil {
		got := <-mine.answer // the sender answers, at the end of the session at the latest
		if got.batch == nil {
			return got.err
		}
		batch = got.batch
	}
	end := a.p.changing(batch[0].s, len(batch), len(batch))
	err := transactAll(ctx, batch)
	end(err == nil)
	for _, other := range batch[1:] { // the first is ours
		other.answer <- answer{err: err}
	}
	a.next()
	return err
}

// next has the first waiting ack send the next batch.
func (a *acks) next() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sending = len(a.waiting) > 0; !a.sending {
		return
	}
	n := 1
	for n < min(len(a.waiting), maxAcks) && a.waiting[n].s == a.waiting[0].s {
		n++
	}
	batch := a.waiting[:n:n]
	a.waiting = a.waiting[n:]
	batch[0].answer <- answer{batch: batch}
}

// transactAll sends a batch in one transaction.
func transactAll(ctx context.Context, batch []*ack) error {
	var ops []core.Op
	for _, a := range batch {
		ops = append(ops, a.ops...)
	}
	s := batch[0].s
	if len(batch) > 1 && s.Manager().Fits(ops...) != nil {
		return errAlone
	}
	_, err := s.Txn(ctx, ops...)
	if _, refused := core.RefusedOp(err); refused && len(batch) > 1 {
		return errAlone
	}
	return err
}
