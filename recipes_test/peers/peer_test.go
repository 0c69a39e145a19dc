//go:build unix

package peers_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/recipes_test/peers"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := peers.Clean(); err != nil {
		fmt.Fprintln(os.Stderr, "removing the peers:", err)
		code = max(code, 1)
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "goroutines outlive the tests:", err)
		code = 1
	}
	os.Exit(code)
}

const wait = 30_000 // milliseconds

// A lock of each peer excludes other actors of the same library, and is
// released when the peer is killed.
func TestPeers(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 1)
	servers := strings.Join(e.Addrs(), ",")
	for name, start := range map[string]func(*testing.T) (*peers.Peer, []any){
		"curator": func(t *testing.T) (*peers.Peer, []any) {
			return peers.Curator(t, servers, 4*time.Second), []any{"/curator"}
		},
		"kazoo": func(t *testing.T) (*peers.Peer, []any) {
			return peers.Kazoo(t, servers, 4*time.Second), []any{"/kazoo", "default"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			one, path := start(t)
			two, _ := start(t)
			require.Equal(t, "true", one.Actor("a").Do("lock.acquire", append(path, wait)...))
			require.Equal(t, "false", one.Actor("b").Do("lock.acquire", append(path, 100)...))
			waiting := two.Actor("a").Go("lock.acquire", append(path, wait)...)
			require.True(t, waiting.Pending())
			_, err := one.Actor("a").Go("lock.fly", "/").Result()
			require.ErrorContains(t, err, "fly")
			one.Kill()
			<-one.Done()
			require.Equal(t, "true", waiting.Get())
			two.Actor("a").Do("lock.release", path...)
			_, err = one.Actor("a").Go("lock.release", path...).Result()
			require.ErrorIs(t, err, peers.ErrGone)
		})
	}
}
