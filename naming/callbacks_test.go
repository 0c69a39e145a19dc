package naming_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
)

// The function of Filter may close the service that it filters.
func TestFault16_CloseInsideFilter(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		register(p, at("a", "10.0.0.1"))
		var service atomic.Pointer[naming.Service]
		took := make(chan time.Duration, 1)
		s := watch(p, naming.Filter(func(naming.Instance) bool {
			if s := service.Swap(nil); s != nil {
				start := time.Now()
				s.Close()
				took <- time.Since(start)
			}
			return true
		}))
		service.Store(s)
		register(p, at("b", "10.0.0.2"))
		select {
		case d := <-took:
			require.LessOrEqual(t, d, 2*time.Second)
		case <-time.After(time.Hour):
			require.Fail(t, "Close hangs")
		}
		synctest.Wait()
	})
}

// callbackSource calls back when it is read.
type callbackSource struct {
	naming.List[string]
	call func()
}

func (s *callbackSource) Load() []string {
	if s.call != nil {
		call := s.call
		s.call = nil
		call()
	}
	return s.List.Load()
}

// A user's function that a balancer calls may use the balancer.
func TestFault16_BalancerInsideItsFunctions(t *testing.T) {
	for name, use := range map[string]func(b *naming.Balancer[string]){
		"Pick":     func(b *naming.Balancer[string]) { _, _ = b.Pick("") },
		"Refresh":  func(b *naming.Balancer[string]) { _ = b.Refresh() },
		"MarkDown": func(b *naming.Balancer[string]) { b.MarkDown("a", time.Minute) },
		"Pending":  func(b *naming.Balancer[string]) { b.Pending("a") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var b *naming.Balancer[string]
				inID := false
				source := &callbackSource{}
				b = naming.NewBalancerOf(source, func(s *string) string {
					if inID {
						inID = false
						use(b)
					}
					return *s
				}, naming.RoundRobin())
				pick := func() {
					t.Helper()
					done := make(chan error, 1)
					go func() { _, err := b.Pick(""); done <- err }()
					select {
					case err := <-done:
						require.NoError(t, err)
					case <-time.After(time.Hour):
						require.Fail(t, "Pick hangs")
					}
				}
				source.Set([]string{"a", "b"})
				inID = true
				pick()
				source.Set([]string{"b", "c"})
				inID = true
				pick()
				source.Set([]string{"c", "d"})
				source.call = func() { use(b) }
				pick()
			})
		})
	}
}
