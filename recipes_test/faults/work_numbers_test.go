package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
)

// workerNumbers is one less than there are processes, so that one of them waits.
const workerNumbers = 4

// workersWork makes all processes take worker ids. Afterwards every number is
// free.
func workersWork(ctx context.Context, rd *round) {
	rd.contend(ctx, 1, func(p *process) acquirer {
		w := naming.NewWorkers(p.Manager, rd.path, workerNumbers)
		return func(ctx context.Context, rng *rand.Rand) (held, error) {
			name := ""
			if rng.IntN(2) == 0 {
				name = fmt.Sprint("worker-", p.id)
			}
			for {
				h, err := w.Acquire(ctx, name)
				if err == nil {
					return held{h.Context(), h.Token(), numbered{h.ID(), take{h.Token(), 1}}, numbered{h.ID(), give{h.Token(), 1}}, longWork, h.Release}, nil
				}
				if !errors.Is(err, naming.ErrNoWorkerID) {
					return held{}, err
				}
				pause(ctx, between(rng, 10*time.Millisecond, 50*time.Millisecond))
			}
		}
	})
	all := within(rd.tb, patience)
	w := naming.NewWorkers(rd.watcher, rd.path, workerNumbers)
	for range workerNumbers {
		h, err := w.Acquire(all, "")
		for errors.Is(err, naming.ErrNoWorkerID) && all.Err() == nil {
			pause(all, 50*time.Millisecond)
			h, err = w.Acquire(all, "")
		}
		if err != nil {
			rd.tb.Errorf("%s: not all numbers become free: %v\n%s", rd.path, err, rd.nemesis.recently())
			return
		}
		defer func() {
			if err := h.Release(); err != nil && !errors.Is(err, session.ErrLost) {
				rd.tb.Errorf("%s: release: %v\n%s", rd.path, err, rd.nemesis.recently())
			}
		}()
	}
}

// namesWork makes all processes ask for names, and now and then delete the
// znode that makes them.
func namesWork(ctx context.Context, rd *round) {
	rd.each(func(p *process, rng *rand.Rand) {
		names := naming.NewNames(p.Manager, rd.path, "n-")
		for ctx.Err() == nil {
			call, cancel := context.WithTimeout(ctx, between(rng, time.Second, 4*time.Second))
			if rng.IntN(40) == 0 {
				if err := p.Delete(call, rd.path, session.AnyVersion); err != nil && !errors.Is(err, session.ErrNoNode) {
					rd.failed("delete", err)
				}
			}
			rd.nextName(call, p.id, names)
			cancel()
			pause(ctx, between(rng, 0, 80*time.Millisecond))
		}
	})
	rd.nextName(within(rd.tb, patience), len(rd.procs), naming.NewNames(rd.watcher, rd.path, "n-"))
}

func (rd *round) nextName(ctx context.Context, who int, names *naming.Names) {
	call := rd.clock.now()
	name, err := names.Next(ctx)
	ret := rd.clock.now()
	if err != nil {
		rd.failed("next name", err)
		return
	}
	rd.journal.add(who, nextName{name}, nil, call, ret)
	rd.done()
}

// partitions is less than there are processes times two: their shares differ.
const partitions = 4

// partitionWork makes all processes divide the partitions, and come and go.
// Afterwards the observer alone gets every partition.
func partitionWork(ctx context.Context, rd *round) {
	rd.each(func(p *process, rng *rand.Rand) {
		for ctx.Err() == nil {
			member, cancel := context.WithTimeout(ctx, between(rng, 2*time.Second, 8*time.Second))
			rd.divide(member, p, rng.Uint64(), func(int) {})
			cancel()
			pause(ctx, between(rng, 0, 300*time.Millisecond))
		}
	})
	alone, stop := context.WithCancel(within(rd.tb, patience))
	defer stop()
	var mu sync.Mutex
	got := map[int]bool{}
	rd.divide(alone, &process{Manager: rd.watcher, id: len(rd.procs)}, 0, func(number int) {
		mu.Lock()
		defer mu.Unlock()
		if got[number] = true; len(got) == partitions {
			stop()
		}
	})
	if len(got) < partitions {
		rd.tb.Errorf("%s: a member alone has got %v of %d partitions after %v\n%s", rd.path, got, partitions, patience, rd.nemesis.recently())
	}
}

// divide takes part in the division until ctx ends, and calls owned with each
// partition that it gets.
func (rd *round) divide(ctx context.Context, p *process, pace uint64, owned func(number int)) {
	joined := rd.clock.now()
	var mu sync.Mutex
	ends := map[int64]int64{} // the end of the work, by token
	err := groupmembership.NewPartitioner(p.Manager, rd.path, partitions,
		groupmembership.OnPartitionEnd(func(part *groupmembership.Partition, err error) {
			mu.Lock()
			defer mu.Unlock()
			op := numbered{part.Number, give{part.Token(), 1}}
			if errors.Is(err, session.ErrLost) {
				rd.journal.add(p.id, op, nil, ends[part.Token()], never)
				rd.count(rd.name, func(t *tally) { t.lost++ })
				return
			}
			rd.journal.add(p.id, op, nil, ends[part.Token()], rd.clock.now())
			rd.done()
		}),
	).Run(ctx, fmt.Sprint("member-", p.id), func(ctx context.Context, part *groupmembership.Partition) error {
		began := rd.clock.now()
		alive := part.Err() == nil
		lost := endOf(part.Context())
		rd.journal.add(p.id, numbered{part.Number, take{part.Token(), 1}}, nil, joined, began)
		owned(part.Number)
		rng := source(pace, part.Number, part.Token())
		pause(ctx, between(rng, 0, 2*time.Second))
		end := rd.clock.now()
		switch {
		case !alive:
			end = joined // the partition was lost at once
		case part.Err() != nil:
			end = min(end, rd.clock.at(lost()))
		}
		mu.Lock()
		defer mu.Unlock()
		ends[part.Token()] = end
		return session.ErrReclaim
	})
	if !expected(err) {
		rd.failed("divide", err)
	}
}
