package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/queue"
)

// jobs: urgent items are taken first. A consumer dies, and another gets its
// item. An item that always fails becomes a dead letter.
func jobs(ctx context.Context, s *stage) error {
	const path = "/demo/jobs"
	producer, err := s.enter(ctx, "producer")
	if err != nil {
		return err
	}
	q := queue.New(producer.Manager, path)
	for _, job := range []struct {
		text     string
		priority int
	}{{"report", 5}, {"poison", 7}, {"invoice", 1}} {
		if _, err := q.Put(ctx, []byte(job.text), queue.Priority(job.priority)); err != nil {
			return err
		}
		s.say("producer", "puts %q with priority %d", job.text, job.priority)
	}
	ann, err := s.enter(ctx, "ann")
	if err != nil {
		return err
	}
	first, err := queue.New(ann.Manager, path).Take(ctx)
	if err != nil {
		return err
	}
	s.say("ann", "takes %q, token %d", first.Data, first.Token())
	if err := s.claim(string(first.Data) == "invoice", "the most urgent came first"); err != nil {
		return err
	}
	ann.link.Refuse(true)
	ann.link.Disconnect()
	// The server expires the session now, so that the demo does not wait for
	// the timeout.
	s.server.Expire(int64(first.SessionID()))
	s.say("network", "ann is gone, as after kill -9, and her session with her")

	ben, err := s.enter(ctx, "ben")
	if err != nil {
		return err
	}
	bens := queue.New(ben.Manager, path, queue.MaxAttempts(2))
	again, err := bens.Take(ctx)
	if err != nil {
		return err
	}
	s.say("ben", "takes %q, attempt %d, token %d", again.Data, again.Attempt, again.Token())
	if err := s.claim(again.ID == first.ID && again.Attempt == 2 && again.Token() > first.Token(),
		"ann's item was not lost: it is delivered again, with a greater token"); err != nil {
		return err
	}
	if err := again.Ack(); err != nil {
		return err
	}
	return bensWork(ctx, s, bens)
}

// bensWork handles the other items. One of them fails until it is a dead
// letter.
func bensWork(ctx context.Context, s *stage, q *queue.Queue) error {
	within, done := context.WithCancel(ctx)
	defer done()
	handled := 0
	err := q.Consume(within, func(_ context.Context, item *queue.Item) error {
		if string(item.Data) == "poison" {
			s.say("ben", "cannot handle %q, attempt %d", item.Data, item.Attempt)
			if item.Attempt == 2 {
				defer done()
			}
			return errors.New("it makes no sense")
		}
		handled++
		s.say("ben", "handles %q", item.Data)
		return nil
	}, queue.Backoff(10*time.Millisecond, 50*time.Millisecond))
	if !errors.Is(err, context.Canceled) || ctx.Err() != nil {
		return err
	}
	n, err := q.Len(ctx)
	if err != nil {
		return err
	}
	var letters []queue.DeadLetter
	for l, err := range q.Dead(ctx) {
		if err != nil {
			return err
		}
		letters = append(letters, l)
		s.say("dead", "%q: %s", l.Data, l.Reason)
	}
	return s.claim(n == 0 && handled == 1 && len(letters) == 1,
		"the queue is empty, and %s, with its data and the reason", fmt.Sprintf("%d item is a dead letter", len(letters)))
}
