package config_test

import (
	"context"
	"testing"

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
	"github.com/docent-go/docent/zktest"
)

// writes are the ways to write or to delete a key.
func writes(w *testworld.World, p *testworld.Process) map[string]func(key string) error {
	s := config.NewStore(p.Manager, "/")
	h := s.History(3)
	x := []byte("x")
	return map[string]func(key string) error{
		"set":         func(key string) error { _, err := s.Set(w.Context(), key, x, session.AnyVersion); return err },
		"put":         func(key string) error { _, err := s.Put(w.Context(), key, x); return err },
		"delete":      func(key string) error { return s.Delete(w.Context(), key, session.AnyVersion) },
		"history set": func(key string) error { _, err := h.Set(w.Context(), key, x, session.AnyVersion); return err },
		"history put": func(key string) error { _, err := h.Put(w.Context(), key, x); return err },
		"publish": func(key string) error {
			return s.Publish(w.Context(), config.SetKey("app/key", x, session.AnyVersion), config.SetKey(key, x, session.AnyVersion))
		},
		"publish delete": func(key string) error { return s.Publish(w.Context(), config.DeleteKey(key, session.AnyVersion)) },
	}
}

// Every write of a key leaves what another recipe has made.
func TestFault25_KeysAlone(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		ctx := w.Context()
		w.Put("/app/key", `{"host":"db","port":5432}`)
		sm := w.Process().Manager
		_, err := lock.NewMutex(sm, "/lock").Lock(ctx)
		require.NoError(w, err)
		_, err = lock.NewOneNode(sm, "/one-node").Lock(ctx)
		require.NoError(w, err)
		_, err = election.New(sm, "/election").Campaign(ctx)
		require.NoError(w, err)
		_, err = lock.NewSemaphore(sm, "/sem", lock.Permits(1)).Acquire(ctx, 1)
		require.NoError(w, err)
		require.NoError(w, barrier.New(sm, "/gate").Set(ctx))
		_, err = barrier.NewDouble(sm, "/double", 1).Enter(ctx)
		require.NoError(w, err)
		require.NoError(w, counter.New(sm, "/counter").Set(ctx, -5))
		q := queue.New(sm, "/q")
		id, err := q.Put(ctx, []byte("work"))
		require.NoError(w, err)
		_, err = groupmembership.NewGroup(sm, "/group").Join(ctx, "m1", nil)
		require.NoError(w, err)
		_, err = naming.NewRegistry(sm).Register(ctx, naming.Instance{Service: "orders", ID: "s1", Address: "10.0.0.1", Port: 80, Type: naming.Static})
		require.NoError(w, err)
		member(w, "/partitioner")
		w.Put("/simple/qn-0000000007", "work")
		w.Put("/kazoo/entry-100-0000000007", "work")
		all := map[string]string{
			"/lock":                           "the directory of a lock",
			"/lock/" + w.Children("/lock")[0]: "a contender of a lock",
			"/one-node":                       "it belongs to the session",
			"/election":                       "the directory of an election",
			"/sem":                            "the directory of a semaphore",
			"/sem/leases":                     "the directory of a semaphore",
			"/gate":                           "it is a gate",
			"/double":                         "sessions own",
			"/double/ready":                   "the round of a rendezvous",
			"/counter":                        "like the number of a counter",
			"/q/items":                        "the directory of a queue",
			"/q/items/queue-" + string(id):    "an item of a queue",
			"/simple":                         "the directory of a queue",
			"/simple/qn-0000000007":           "an item of a queue",
			"/kazoo/entry-100-0000000007":     "an item of a queue",
			"/group":                          "sessions own",
			"/partitioner/claims":             "it is the number of partitions of a partitioner",
			"/services/orders/s1":             "an instance of the service orders",
		}
		for path, what := range all {
			before, found := w.Srv.Node(path)
			require.True(w, found, path)
			for name, write := range writes(w, p) {
				err := write(path)
				require.ErrorIs(w, err, session.ErrForeign, "%s %s", name, path)
				require.ErrorContains(w, err, what, "%s %s", name, path)
				after, _ := w.Srv.Node(path)
				require.Equal(w, before, after, "%s %s", name, path)
			}
		}
		require.Equal(w, `{"host":"db","port":5432}`, w.Data("/app/key"), "a transaction is refused as a whole")
	})
}

// member starts a member of a partitioner, and waits until it works.
func member(w *testworld.World, path string) {
	works := make(chan struct{})
	p := groupmembership.NewPartitioner(w.Process().Manager, path, 1)
	w.Go(func(ctx context.Context) error {
		return p.Run(ctx, "m1", func(ctx context.Context, _ *groupmembership.Partition) error {
			close(works)
			<-ctx.Done()
			return ctx.Err()
		})
	})
	<-works
}

// A number that is called "claims" is a key, unless members could be beside it.
func TestClaimsMayBeAKey(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Put("/alone/claims", "9")
		w.Put("/keys/claims", "9")
		w.Put("/keys/members", "a,b")
		w.Put("/text/claims", "nonsense") // an operator may mend it
		w.Put("/text/members", "")
		for _, path := range []string{"/alone/claims", "/keys/claims", "/text/claims"} {
			_, err := config.NewStore(p.Manager, "/").Set(w.Context(), path, []byte("9"), session.AnyVersion)
			require.NoError(w, err, path)
		}
	})
}

// An Update leaves what is not a key, although the codec can read it.
func TestFault25_UpdateOfAnotherRecipe(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		_, err := p.Create(w.Context(), "/held", []byte("{}"), session.Ephemeral)
		require.NoError(w, err)
		require.NoError(w, barrier.New(p.Manager, "/gate").Set(w.Context()))
		for _, path := range []string{"/held", "/gate"} {
			before := w.Data(path)
			value, err := config.Open(w.Context(), p.Manager, path, config.JSON[map[string]any]())
			require.NoError(w, err)
			_, err = value.Update(w.Context(), func(m map[string]any) (map[string]any, error) { return map[string]any{"a": 1}, nil })
			require.ErrorIs(w, err, session.ErrForeign, path)
			require.NoError(w, value.Close())
			require.Equal(w, before, w.Data(path))
		}
	})
}

// What may be a key is one: other programs write arbitrary bytes, and keys may
// have keys below them.
func TestFault25_KeysStayKeys(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		s := config.NewStore(p.Manager, "/")
		for _, data := range []string{
			"", "10.0.0.5", "42", "true", "\xff\xfe\x00", "12345678", "\x01\x02\x03\x04\x05\x06\x07\x08", "\x00\x01\x02",
			`{"host":"db","pid":1,"port":2}`, `{"id":"a","name":"b"}`, `{"round":1,"members":["a"]}`, "[1]", "{",
		} {
			for name, write := range writes(w, p) {
				w.Put("/app/key", data)
				require.NoError(w, write("/app/key"), "%s %q", name, data)
			}
		}
		// An inner key, with a value and without one.
		for _, data := range []string{"", `{"inner":true}`} {
			for name, write := range writes(w, p) {
				w.Put("/app/key", "1")
				w.Put("/app/db", data)
				w.Put("/app/db/host", "h")
				w.Put("/app/db/port", "1")
				if err := write("/app/db"); err != nil {
					require.NotErrorIs(w, err, session.ErrForeign, "%s %q", name, data)
					require.Contains(w, name, "delete")
				}
			}
		}
		// A key that its writers take turns at, with a lock at its very path.
		w.Put("/app/guarded", "1")
		_, err := lock.NewMutex(p.Manager, "/app/guarded").Lock(w.Context())
		require.NoError(w, err)
		_, err = s.Set(w.Context(), "/app/guarded", []byte("2"), session.AnyVersion)
		require.NoError(w, err)
		// A binary number: another number, and a write of the version that was
		// read.
		w.Put("/app/number", "\x00\x00\x00\x05")
		e, err := s.Set(w.Context(), "/app/number", []byte("\x00\x00\x00\x06"), session.AnyVersion)
		require.NoError(w, err)
		require.NoError(w, s.Delete(w.Context(), "/app/number", e.Version))
	})
}

// The check of a key costs one read. The check of an inner key without a value
// costs a list and three reads more. An Update and a History cost no further
// request.
func TestFault25_CostOfTheLook(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		s := config.NewStore(p.Manager, "/")
		w.Put("/app/key", "1")
		w.Put("/app/db", "")
		for _, name := range []string{"a", "b", "c", "d"} {
			w.Put("/app/db/"+name, "1")
		}
		set := func(key string) func() {
			return func() {
				_, err := s.Set(w.Context(), key, []byte("2"), session.AnyVersion)
				require.NoError(w, err)
			}
		}
		require.Equal(w, map[string]int{"getData": 1, "setData": 1}, w.Count(set("/app/key")))
		counts := w.Count(set("/app/db"))
		require.Equal(w, 3, counts["exists"])
		require.Equal(w, 1, counts["getData"])
		require.Equal(w, 1, counts["setData"])
		require.Equal(w, map[string]int{"getData": 1, "setData": 1}, w.Count(set("/app/db")), "it has a value now")
	})
}

// A key that becomes another value between the look and the deletion is looked
// at again.
func TestFault25_AnotherNodeBetweenLookAndDelete(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		s := config.NewStore(w.Process().Manager, "/")
		w.Put("/app/key", "1")
		w.Once(testworld.Is(zktest.OpDelete, "/app/key"), func() zktest.Action {
			w.Put("/app/key", `{"host":"h","pid":1}`)
			return zktest.Pass
		})
		require.ErrorIs(w, s.Delete(w.Context(), "/app/key", session.AnyVersion), session.ErrForeign)
		require.Equal(w, `{"host":"h","pid":1}`, w.Data("/app/key"))
	})
}
