package core_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
)

// One of three servers accepts and closes connections, because it has no
// quorum. The other two refuse connections. LastFailure returns the failure of
// the first, whichever server was dialled last, until that server refuses too.
func TestFault31_TheServerWithoutAQuorumIsTheOneToTellOf(t *testing.T) {
	for silent := range 3 { // the order within a round is random
		synctest.Test(t, func(t *testing.T) {
			var dead atomic.Bool
			sm, err := core.Start(core.Config{
				Servers: []string{"zk0", "zk1", "zk2"},
				Dialer: func(_ context.Context, _, addr string) (net.Conn, error) {
					if dead.Load() || !strings.HasPrefix(addr, fmt.Sprintf("zk%d:", silent)) {
						return nil, fmt.Errorf("%s refuses", addr)
					}
					ours, theirs := net.Pipe()
					go func() {
						_, _ = theirs.Read(make([]byte, 1024)) // the handshake
						_ = theirs.Close()
					}()
					return ours, nil
				},
			})
			require.NoError(t, err)
			defer sm.Close()
			time.Sleep(10 * time.Second) // each has been dialled
			for range 1000 {
				synctest.Wait()
				require.ErrorIs(t, sm.LastFailure(), core.ErrNotServing)
				require.ErrorContains(t, sm.LastFailure(), fmt.Sprintf("handshake with zk%d", silent))
				time.Sleep(11 * time.Millisecond)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			_, err = sm.Session(ctx)
			require.ErrorIs(t, err, core.ErrUnreachable)
			require.ErrorIs(t, err, core.ErrNotServing)

			synctest.Wait()
			dead.Store(true)
			time.Sleep(time.Minute)
			synctest.Wait()
			require.NotErrorIs(t, sm.LastFailure(), core.ErrNotServing)
			require.ErrorContains(t, sm.LastFailure(), "refuses")
		})
	}
}
