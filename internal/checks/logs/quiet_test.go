package logs_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
)

// logLines collects log lines.
type logLines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logLines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.buf.Reset()
	return l.buf.String()
}

// process is a process that uses every recipe.
type process struct {
	sm   *session.Manager
	name string
	ctx  context.Context
	fail func(format string, args ...any)
	done map[string]int // how often each recipe did its work
	mu   sync.Mutex
	work sync.WaitGroup
}

func (p *process) did(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done[what]++
}

// every runs f once a minute until the process ends.
func (p *process) every(what string, f func(ctx context.Context) error) {
	p.run(what, func(ctx context.Context) error {
		for ctx.Err() == nil {
			if err := f(ctx); err != nil {
				return err
			}
			p.did(what)
			select {
			case <-time.After(time.Minute):
			case <-ctx.Done():
			}
		}
		return nil
	})
}

func (p *process) run(what string, f func(ctx context.Context) error) {
	p.work.Go(func() {
		if err := f(p.ctx); err != nil && p.ctx.Err() == nil {
			p.fail("%s of %s: %v", what, p.name, err)
		}
	})
}

func pause(ctx context.Context) error {
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
	}
	return nil
}

// locks, elections, barriers.
func (p *process) contend() {
	p.every("mutex", func(ctx context.Context) error {
		return lock.NewMutex(p.sm, "/locks/mutex").Do(ctx, func(ctx context.Context, _ *lock.Hold) error { return pause(ctx) })
	})
	handoff := lock.NewMutex(p.sm, "/locks/handoff", lock.Handoff(4))
	for range 2 {
		p.every("handoff", func(ctx context.Context) error {
			return handoff.Do(ctx, func(ctx context.Context, _ *lock.Hold) error { return pause(ctx) })
		})
	}
	p.every("one-node", func(ctx context.Context) error {
		return lock.NewOneNode(p.sm, "/locks/one-node").Do(ctx, func(ctx context.Context, _ *lock.Hold) error { return pause(ctx) })
	})
	rw := lock.NewRWMutex(p.sm, "/locks/rw")
	for _, side := range []lock.Locker{rw.RLocker(), rw.WLocker()} {
		p.every("rwlock", func(ctx context.Context) error {
			h, err := side.Lock(ctx)
			if err != nil {
				return err
			}
			return h.Release()
		})
	}
	p.every("semaphore", func(ctx context.Context) error {
		return lock.NewSemaphore(p.sm, "/locks/semaphore", lock.Permits(1)).Do(ctx, 1,
			func(ctx context.Context, _ *lock.Permit) error { return pause(ctx) })
	})
	for path, opts := range map[string][]election.Option{"/leaders/line": nil, "/leaders/node": {election.Layout(election.OneNode)}} {
		p.run("election", func(ctx context.Context) error {
			opts := append([]election.Option{election.ID(p.name)}, opts...)
			return election.New(p.sm, path, opts...).Run(ctx, func(ctx context.Context, _ *election.Term) error {
				p.did("election")
				return pause(ctx)
			})
		})
	}
	p.every("barrier", func(ctx context.Context) error {
		b := barrier.New(p.sm, "/barriers/"+p.name)
		if err := b.Set(ctx); err != nil {
			return err
		}
		if err := b.Lift(ctx); err != nil {
			return err
		}
		return b.Wait(ctx)
	})
	p.every("double", func(ctx context.Context) error {
		return barrier.NewDouble(p.sm, "/barriers/double", 2, barrier.ID(p.name)).Do(ctx,
			func(ctx context.Context, _ *barrier.Visit) error { return nil })
	})
}

// configuration, services, groups, queues, counters.
func (p *process) share() {
	p.run("config", func(ctx context.Context) error {
		v, err := config.Open(ctx, p.sm, "/config/"+p.name, config.Text(), config.Default("none"))
		if err != nil {
			return err
		}
		defer v.Close()
		for ctx.Err() == nil {
			if _, err := v.Update(ctx, func(old string) (string, error) { return old + "+", nil }); err != nil {
				return err
			}
			p.did("config")
			time.Sleep(time.Minute)
		}
		return nil
	})
	p.run("naming", func(ctx context.Context) error {
		registry := naming.NewRegistry(p.sm)
		g, err := registry.Register(ctx, naming.Instance{Service: "orders", ID: p.name, Address: "10.0.0.1", Port: 80})
		if err != nil {
			return err
		}
		s, err := registry.Open(ctx, "orders")
		if err != nil {
			return err
		}
		defer s.Close()
		for range s.Changes(ctx) {
			p.did("naming")
		}
		return g.Unregister(context.Background())
	})
	p.run("group", func(ctx context.Context) error {
		group := groupmembership.NewGroup(p.sm, "/groups/workers")
		m, err := group.Join(ctx, p.name, nil)
		if err != nil {
			return err
		}
		for ctx.Err() == nil {
			if err := m.UpdatePayload(ctx, []byte(fmt.Sprint(time.Now()))); err != nil {
				return err
			}
			p.did("group")
			time.Sleep(time.Minute)
		}
		return m.Leave(context.Background())
	})
	p.run("partitioner", func(ctx context.Context) error {
		return groupmembership.NewPartitioner(p.sm, "/groups/partitions", 4).Run(ctx, p.name,
			func(ctx context.Context, _ *groupmembership.Partition) error {
				p.did("partitioner")
				<-ctx.Done()
				return nil
			})
	})
	q := queue.New(p.sm, "/queues/mail")
	p.every("put", func(ctx context.Context) error {
		_, err := q.Put(ctx, []byte(p.name))
		return err
	})
	p.run("consume", func(ctx context.Context) error {
		return q.Consume(ctx, func(context.Context, *queue.Item) error {
			p.did("consume")
			return nil
		})
	})
	p.every("counter", func(ctx context.Context) error {
		_, err := counter.New(p.sm, "/counters/a").Add(ctx, 1)
		return err
	})
	p.every("worker id", func(ctx context.Context) error {
		id, err := naming.NewWorkers(p.sm, "/workers", 8).Acquire(ctx, p.name)
		if err != nil {
			return err
		}
		return id.Release()
	})
}

// asDefault also collects lines that bypass every Manager's logger.
func (l *logLines) asDefault(t *testing.T) {
	before, to, flags := slog.Default(), log.Writer(), log.Flags()
	slog.SetDefault(slog.New(slog.NewTextHandler(l, nil)))
	t.Cleanup(func() {
		slog.SetDefault(before)
		log.SetOutput(to) // SetDefault has led the package log to its handler
		log.SetFlags(flags)
	})
}

// Two processes use every recipe for an hour, and stop. Once the sessions are
// open, nothing is logged at Info or above.
func TestHealthyIsQuiet(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		var log logLines
		log.asDefault(t)
		ctx, cancel := context.WithCancel(w.Context())
		defer cancel()
		var all []*process
		for _, name := range []string{"a", "b"} {
			sm := w.Process(func(cfg *session.Config) { cfg.Logger = slog.New(slog.NewTextHandler(&log, nil)) }).Manager
			all = append(all, &process{sm: sm, name: name, ctx: ctx, fail: t.Errorf, done: make(map[string]int)})
		}
		synctest.Wait() // log lines are written in the background
		opened := log.take()
		require.Equal(w, 2, strings.Count(opened, "session opened"), "the log is on")
		require.Equal(w, 2, strings.Count(opened, "\n"), "%s", opened)
		for _, p := range all {
			p.contend()
			p.share()
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		cancel()
		for _, p := range all {
			p.work.Wait()
			for _, what := range []string{"mutex", "handoff", "one-node", "rwlock", "semaphore", "barrier", "double",
				"config", "group", "put", "counter", "worker id"} {
				require.GreaterOrEqual(w, p.done[what], 50, "%s of %s", what, p.name)
			}
		}
		for _, what := range []string{"naming", "partitioner", "election", "consume"} { // chance decides which process does it
			require.NotZero(w, all[0].done[what]+all[1].done[what], what)
		}
		require.Empty(w, log.take())
	})
}
