package conn

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/wire"
)

// Many callers send, wait, give up and send again, while either side closes the
// connection at any point. Exactly the requests that the server got as a whole
// count as answered or lost.
func TestManyCallersUntilTheEnd(t *testing.T) {
	const callers, each = 8, 12
	for after := range callers * each {
		inRig(t, func(g *rig) {
			g.open()
			seen := make(map[string]bool)
			var server sync.WaitGroup
			server.Go(func() {
				for {
					f, err := wire.ReadFrame(g.from, wire.MaxReply)
					if err != nil {
						return
					}
					r, _ := wire.ParseRequest(f)
					d := wire.NewDecoder(r.Body)
					seen[d.String()] = true
					if len(seen) == after+1 {
						if after%2 == 0 {
							g.background.Go(func() { g.c.Close() })
						} else {
							g.server.Close()
						}
					}
					_, _ = g.server.Write(answer(r.Xid, 0)) // the connection may have been closed
				}
			})

			var mu sync.Mutex
			calls, ends := make(map[string]*Call), make(map[string]int)
			fates := make(map[Fate]int)
			var all sync.WaitGroup
			for i := range callers {
				all.Go(func() {
					for j := range each {
						path := fmt.Sprintf("/%d-%d", i, j)
						call := NewCall(wire.Delete(path, 1), func(*Call) {
							mu.Lock()
							defer mu.Unlock()
							ends[path]++
						})
						mu.Lock()
						calls[path] = call
						mu.Unlock()
						g.c.Send(call)
						ctx := context.Background()
						if (i+j)%3 == 0 {
							ctx = ctxOver()
						}
						fate := call.Await(ctx, nil)
						mu.Lock()
						fates[fate]++
						mu.Unlock()
					}
				})
			}
			all.Wait()
			g.c.Close()
			g.over()
			g.background.Wait()
			server.Wait()
			synctest.Wait()
			require.Zero(g, fates[Pending])
			require.Len(g, calls, callers*each)
			for path, call := range calls {
				require.Equal(g, 1, ends[path], path)
				require.Equal(g, seen[path], call.Fate() == Answered || call.Fate() == Lost, "%s is %v", path, call.Fate())
			}
		})
	}
}
