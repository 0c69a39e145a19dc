package lock_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// The benchmarks run against the embedded server, in memory: they measure the
// cost of the client. bench/ measures what a network and a real server add.

// benchManager is a session on a server of its own.
func benchManager(b *testing.B) *session.Manager {
	b.Helper()
	sm, err := session.Dial(b.Context(), session.Config{Servers: []string{"zk1"}, Dialer: zktest.New(b).DialContext})
	require.NoError(b, err)
	b.Cleanup(func() { _ = sm.Close() })
	return sm
}

// BenchmarkLockRelease is one goroutine without contenders.
func BenchmarkLockRelease(b *testing.B) {
	m := lock.NewMutex(benchManager(b), dir)
	b.ReportAllocs()
	for b.Loop() {
		h, err := m.Lock(b.Context())
		if err == nil {
			err = h.Release()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHandoff64 is 64 goroutines of one process that contend for one lock,
// with and without Handoff. An operation is one acquisition and its release.
func BenchmarkHandoff64(b *testing.B) {
	for name, n := range map[string]int{"off": 0, "handoff=64": 64} {
		b.Run(name, func(b *testing.B) {
			m := lock.NewMutex(benchManager(b), dir, lock.Handoff(n))
			b.ReportAllocs()
			contend(b, 64, func(ctx context.Context) error {
				return m.Do(ctx, func(context.Context, *lock.Hold) error { return nil })
			})
		})
	}
}

// contend runs f b.N times in all, on that many goroutines.
func contend(b *testing.B, workers int, f func(context.Context) error) {
	turns := make(chan struct{})
	var work sync.WaitGroup
	for range workers {
		work.Go(func() {
			for range turns {
				if err := f(b.Context()); err != nil {
					b.Error(err)
				}
			}
		})
	}
	b.ResetTimer()
	for range b.N {
		turns <- struct{}{}
	}
	close(turns)
	work.Wait()
}

// BenchmarkSemaphore is one goroutine that acquires and releases a permit.
func BenchmarkSemaphore(b *testing.B) {
	s := lock.NewSemaphore(benchManager(b), pool, lock.Permits(4))
	for name, acquire := range map[string]func(context.Context, int) (*lock.Permit, error){"acquire": s.Acquire, "try": s.TryAcquire} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p, err := acquire(context.Background(), 1)
				if err == nil {
					err = p.Release()
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
