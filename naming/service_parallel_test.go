package naming_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// hookCodec calls a function before it reads an instance.
type hookCodec struct {
	naming.Codec
	before func(name string)
}

func (c hookCodec) Decode(service, name string, data []byte) (naming.Instance, error) {
	c.before(name)
	return c.Codec.Decode(service, name, data)
}

// openMany opens a service of 2,000 instances on four processors, in real time:
// a test in a bubble has one processor, if it runs with the race detector.
func openMany(t *testing.T, before func(name string)) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	srv := zktest.New(t)
	const many = 2000
	for i := range many {
		require.NoError(t, srv.Put(fmt.Sprintf("%s/i%04d", orders, i), fmt.Appendf(nil, `{"address":"h%d","port":80}`, i)))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	sm, err := session.Dial(ctx, session.Config{Servers: []string{"zk1:2181"}, Dialer: srv.DialContext})
	require.NoError(t, err)
	defer sm.Close()
	s, err := naming.NewRegistry(sm, naming.Layout(hookCodec{naming.Curator(), before})).Open(ctx, "orders")
	require.NoError(t, err)
	defer s.Close()
	all := s.Load()
	require.Len(t, all, many)
	for i, in := range all {
		require.Equal(t, fmt.Sprintf("i%04d=h%d", i, i), in.ID+"="+in.Address)
	}
	require.Empty(t, s.View().Problems)
}

// The instances of a large service are decoded by several goroutines at a time.
func TestInstancesAreDecodedInParallel(t *testing.T) {
	var mu sync.Mutex
	inside, together := 0, make(chan struct{})
	openMany(t, func(string) {
		mu.Lock()
		if inside++; inside == 2 {
			select {
			case <-together:
			default:
				close(together)
			}
		}
		mu.Unlock()
		select {
		case <-together:
		case <-time.After(10 * time.Second):
			t.Error("no other instance is decoded meanwhile")
		}
		mu.Lock()
		inside--
		mu.Unlock()
	})
}

// A codec that ends its goroutine, as t.FailNow does, loses no instance.
func TestCodecEndsItsGoroutine(t *testing.T) {
	var once sync.Once
	openMany(t, func(name string) {
		if name == "i0700" {
			once.Do(runtime.Goexit)
		}
	})
}
