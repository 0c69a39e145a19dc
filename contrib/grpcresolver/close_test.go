package grpcresolver_test

import (
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/resolver"

	"github.com/docent-go/docent/contrib/grpcresolver"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
)

// Close waits until a function of the program returns. A function that hangs,
// or that calls Close itself, delays Close by one second.
func TestCloseDuringCallback(t *testing.T) {
	for _, c := range []struct{ callback, close time.Duration }{
		{time.Millisecond, time.Millisecond},
		{999 * time.Millisecond, 999 * time.Millisecond},
		{time.Hour, time.Second},
	} {
		testworld.Run(t, func(w *testworld.World) {
			u, err := url.Parse("docent:///orders")
			require.NoError(w, err)
			running := make(chan struct{})
			b := grpcresolver.New(naming.NewRegistry(w.Process().Manager),
				grpcresolver.OpenOptions(func(string) []naming.OpenOption {
					close(running)
					time.Sleep(c.callback)
					return nil
				}))
			cc := channel{states: make(chan resolver.State, 100), failed: new(atomic.Int64), last: new(atomic.Value)}
			r, err := b.Build(resolver.Target{URL: *u}, cc, resolver.BuildOptions{})
			require.NoError(w, err)
			<-running
			began := time.Now()
			r.Close()
			require.Equal(w, c.close, time.Since(began), "the callback takes %v", c.callback)
			time.Sleep(c.callback)
		})
	}
}
