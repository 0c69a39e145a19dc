package hostile_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/hostile"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/internal/wire"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// listOf is a list of n names that look like the znodes of a recipe, as a server
// sends it.
func listOf(n int, pattern string) []byte {
	e := wire.NewEncoder(16 * n)
	e.Int32(int32(n))
	for i := range n {
		e.String(fmt.Sprintf(pattern, i))
	}
	return e.Frame()[4:]
}

// crowded answers each list with other names.
func crowded(names []byte) func(f hostile.Frame) hostile.Reaction {
	return func(f hostile.Frame) hostile.Reaction {
		r, err := wire.ParseReply(f.Bytes)
		if err != nil || r.Code != wire.CodeOK {
			return hostile.Reaction{Bytes: f.Bytes}
		}
		switch f.Op {
		case zktest.OpGetChildren2:
			if _, stat, err := wire.ChildrenOf(r.Body); err == nil {
				return hostile.Reaction{Bytes: hostile.Listing(r, names, stat)}
			}
		case zktest.OpMultiRead:
			if results, err := wire.ResultsOf(r.Body, math.MaxInt32); err == nil {
				return hostile.Reaction{Bytes: hostile.Listings(r, results, names)}
			}
		}
		return hostile.Reaction{Bytes: f.Bytes}
	}
}

// crowds are uses of recipes, and the names of znodes that the recipes would
// wait for or read.
var crowds = map[string]struct {
	pattern string
	million bool
	use     recipe
}{
	"mutex": {"_c_00000000-0000-4000-8000-000000000000-lock-%010d", true, func(ctx context.Context, sm *session.Manager, path string) error {
		_, err := lock.NewMutex(sm, path).Lock(ctx)
		return err
	}},
	"election": {"_c_00000000-0000-4000-8000-000000000000-latch-%010d", false, func(ctx context.Context, sm *session.Manager, path string) error {
		_, err := election.New(sm, path).Campaign(ctx)
		return err
	}},
	"queue": {"queue-%010d", true, func(ctx context.Context, sm *session.Manager, path string) error {
		_, err := queue.New(sm, path).Take(ctx)
		return err
	}},
	"group": {"member-%d", false, func(ctx context.Context, sm *session.Manager, path string) error {
		_, err := groupmembership.NewGroup(sm, path).Members(ctx)
		return err
	}},
	"naming": {"instance-%d", false, func(ctx context.Context, sm *session.Manager, path string) error {
		_, err := naming.NewRegistry(sm, naming.Base(path)).Open(ctx, "s")
		return err
	}},
	"double barrier": {"m-%d", false, func(ctx context.Context, sm *session.Manager, path string) error {
		_, err := barrier.NewDouble(sm, path, 2).Enter(ctx)
		return err
	}},
}

// A server that lists znodes which do not exist is asked again with pauses, for
// as long as ctx lasts. A list of a million names is slow, and no more than
// that.
func TestFault44_PhantomNames(t *testing.T) {
	for name, c := range crowds {
		for _, n := range []int{1, 3, testworld.Sized(100_000, 1_000_000)} {
			patience := 10 * time.Second
			if n > 3 {
				if !c.million || testing.Short() {
					continue // a list takes a second of the processor
				}
				patience = time.Second
			}
			t.Run(fmt.Sprintf("%s/%d", name, n), func(t *testing.T) {
				testworld.Run(t, func(w *testworld.World) {
					require.NoError(w, w.Srv.Put("/r/s", nil))
					frames := 0
					react := crowded(listOf(n, c.pattern))
					victim := w.Process(func(cfg *session.Config) {
						cfg.Dialer = hostile.Between(w.Srv.Link().DialContext, hostile.Paced(w, func(f hostile.Frame) hostile.Reaction {
							frames++
							return react(f)
						}))
					})
					begun := time.Now()
					err := c.use(w.Within(patience), victim.Manager, "/r")
					require.LessOrEqual(w, time.Since(begun), patience)
					require.NoError(w, victim.Close())
					t.Logf("%d answers: %v", frames, err)
				})
			})
		}
	}
}
