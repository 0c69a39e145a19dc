package inspect

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// exists reports whether a node exists.
func exists(w *testworld.World, path string) bool {
	_, found := w.Srv.Node(path)
	return found
}

// Whatever inspect marks, and no session owns, can be removed. Everything else
// remains.
func TestRemoveAbandoned_everyMark(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		var dir string
		for _, dir = range []string{"/", "/deep/er/"} {
			lock, rw := dir+"m/"+curatorName(1, "lock-", 0), dir+"rw/"+curatorName(1, "__READ__", 0)
			candidate, permit := dir+"e/"+curatorName(1, "latch-", 0), dir+"sem/leases/"+curatorName(1, "lease-", 0)
			waiter, bare := dir+"sem/locks/"+curatorName(1, "lock-", 0), dir+"leases/"+curatorName(1, "lease-", 0)
			kazooPermit, kazooWaiter := dir+"ksem/"+hex32(0), dir+"ksem-__lock__/"+hex32(0)+"__lock__0000000000"
			kazooPart := dir + "part/locks/1/" + hex32(1) + "__lock__0000000000"
			claim, beside, taken := dir+"q/claims/queue-0000000001", dir+"flat-claims/queue-0000000001", dir+"lq/taken/entry-050-0000000001"
			partition, instance, ready := dir+"p/claims/3", dir+"services/orders/i1", dir+"d/ready"
			lockTransfer, transfer := dir+"m/transfer", dir+"e/transfer"
			all := []string{
				lockTransfer, transfer,
				lock, rw, candidate, permit, waiter, bare, kazooPermit, kazooWaiter, kazooPart, claim, beside, taken, partition, instance, ready,
			}
			w.Put(dir+"ksem", "2")
			w.Put(dir+"p/claims", "8")
			w.Put(dir+"p/members", "")
			w.Put(dir+"q/items/queue-0000000001", "x")
			w.Put(dir+"flat/queue-0000000001", "x")
			w.Put(dir+"lq/entries/entry-050-0000000001", "x")
			put(w, a, dir+"part/party/"+hex32(2)+"-host", "host")
			put(w, a, dir+"m/"+curatorName(2, "lock-", 1), "10.0.0.1")
			put(w, a, dir+"e/"+curatorName(2, "latch-", 1), "two")
			put(w, a, dir+"services/orders/i2", fmt.Sprintf(instanceJSON, "orders", "i2", "null"))
			for _, path := range all {
				w.Put(path, "")
			}
			w.Put(instance, fmt.Sprintf(instanceJSON, "orders", "i1", "null"))
			w.Put(transfer, `{"id":"one","node":"`+curatorName(1, "latch-", 0)+`"}`)
			w.Put(ready, `{"round":3,"members":["member-a"]}`)

			var found []string
			for _, f := range report(w, a, dir[:max(1, len(dir)-1)]).Findings {
				found = append(found, marked(f.Head())...)
			}
			require.ElementsMatch(t, all, found)
			left := w.Srv.Paths()
			for _, path := range found {
				require.NoError(t, RemoveAbandoned(w.Context(), a.Manager, path), path)
				require.False(t, exists(w, path), path)
				require.ErrorIs(t, RemoveAbandoned(w.Context(), a.Manager, path), session.ErrNoNode)
			}
			require.Len(t, w.Srv.Paths(), len(left)-len(all), "nothing else is gone, and no proof is left")
		}
	})
}

func TestRemoveAbandoned_refuses(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		h := held(w, a, "/locks/live", "a")
		w.Put("/key", "value")
		w.Put("/dir/sub", "")
		ghost, transfer := "/q/claims/queue-0000000009", "/e/transfer"
		put(w, a, ghost, "worker")
		w.Put("/q/items/queue-0000000010", "x")
		put(w, a, "/e/"+curatorName(1, "latch-", 0), "one")
		put(w, a, transfer, `{"id":"two","node":"`+curatorName(2, "latch-", 1)+`"}`)
		w.Put("/kd/ready", "")
		put(w, a, "/kd/"+hex32(1), "host")
		parent := "/m/" + curatorName(1, "lock-", 0)
		w.Put(parent+"/child", "")
		for path, reason := range map[string]string{
			h.Path():      fmt.Sprintf("session %v owns it, and exists; end the process", session.ID(a.Current().ID())),
			ghost:         "the item of the claim does not exist, but session " + session.ID(a.Current().ID()).String(),
			transfer:      "it names a candidate that does not exist any longer, but session",
			"/key":        "nothing shows that it is left over",
			"/dir":        "nothing shows",
			"/dir/sub":    "nothing shows",
			"/kd/ready":   "no member of the round is inside, but members have come since",
			"/q/claims":   "nothing shows",
			"/locks/live": "nothing shows",
		} {
			err := RemoveAbandoned(w.Context(), b.Manager, path)
			require.ErrorIs(t, err, ErrNotAbandoned, path)
			require.ErrorContains(t, err, "remove "+path+": the znode is not abandoned: "+reason)
			var op *session.OpError
			require.ErrorAs(t, err, &op)
			require.True(t, exists(w, path), path)
		}
		require.ErrorIs(t, RemoveAbandoned(w.Context(), b.Manager, parent), session.ErrNotEmpty)
		for _, missing := range []string{"/none", "/none/at/all", "/m/" + curatorName(7, "lock-", 7)} {
			require.ErrorIs(t, RemoveAbandoned(w.Context(), b.Manager, missing), session.ErrNoNode, missing)
		}
		require.ErrorContains(t, RemoveAbandoned(w.Context(), b.Manager, "/"), "remove /: ")
		ctx, cancel := context.WithCancel(w.Context())
		cancel()
		require.ErrorIs(t, RemoveAbandoned(ctx, b.Manager, parent), context.Canceled)
		require.NoError(t, b.Manager.Close())
		require.ErrorIs(t, RemoveAbandoned(w.Context(), b.Manager, "/key"), session.ErrClosed)
	})
}

// deletes matches transactions that delete.
func deletes(r zktest.Request) bool {
	return r.Op == zktest.OpMulti && slices.ContainsFunc(r.Ops, func(part zktest.Request) bool { return part.Op == zktest.OpDelete })
}

// meanwhile runs f after the next transaction was sent, and before it is
// executed.
func meanwhile(w *testworld.World, f func()) {
	w.Once(deletes, func() zktest.Action {
		done := make(chan struct{})
		go func() {
			defer close(done)
			f()
		}()
		return zktest.Hold(done)
	})
}

// Between the read and the delete, the abandoned znode goes, and a live process
// puts its own in the place. It has the same path, and the same version.
func TestRemoveAbandoned_races(t *testing.T) {
	partition, instance, ready := "/p/claims/3", "/services/orders/i1", "/d/ready"
	contender := "/m/" + curatorName(1, "lock-", 0)
	permanent := `{"name":"orders","id":"i1","address":"10.0.0.1","port":8080,"registrationTimeUTC":1,"serviceType":"PERMANENT"}`
	for name, c := range map[string]struct {
		path string
		act  func(w *testworld.World, other *testworld.Process)
		err  error
		kept bool
	}{
		"nothing happens": {partition, func(*testworld.World, *testworld.Process) {}, nil, false},
		"a live member claims the partition": {partition, func(w *testworld.World, other *testworld.Process) {
			w.Remove(partition)
			put(w, other, partition, "live")
		}, ErrNotAbandoned, true},
		"a live contender has the name": {contender, func(w *testworld.World, other *testworld.Process) {
			w.Remove(contender)
			put(w, other, contender, "live")
		}, ErrNotAbandoned, true},
		"the owner's data changes": {contender, func(w *testworld.World, _ *testworld.Process) {
			w.Put(contender, "again")
		}, nil, false},
		"another client removes it": {contender, func(w *testworld.World, _ *testworld.Process) {
			w.Remove(contender)
		}, session.ErrNoNode, false},
		"the instance becomes permanent": {instance, func(w *testworld.World, _ *testworld.Process) {
			w.Put(instance, permanent)
		}, ErrNotAbandoned, true},
		"the instance is registered again, as permanent": {instance, func(w *testworld.World, _ *testworld.Process) {
			w.Remove(instance)
			w.Put(instance, permanent)
		}, ErrNotAbandoned, true},
		"the instance is registered again, by a live process": {instance, func(w *testworld.World, other *testworld.Process) {
			w.Remove(instance)
			put(w, other, instance, fmt.Sprintf(instanceJSON, "orders", "i1", "null"))
		}, ErrNotAbandoned, true},
		"another instance comes": {instance, func(w *testworld.World, other *testworld.Process) {
			put(w, other, "/services/orders/i7", fmt.Sprintf(instanceJSON, "orders", "i7", "null"))
		}, nil, false},
		"the next round begins": {ready, func(w *testworld.World, other *testworld.Process) {
			put(w, other, "/d/member-a", `{"host":"h","pid":1,"visit":"1"}`)
			w.Remove(ready)
			w.Put(ready, `{"round":4,"members":["member-a"]}`)
		}, ErrNotAbandoned, true},
		"a member comes for the next round": {ready, func(w *testworld.World, other *testworld.Process) {
			put(w, other, "/d/member-a", `{"host":"h","pid":1,"visit":"1"}`)
		}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				a, other := w.Process(), w.Process()
				other.Current()
				w.Put("/p/claims", "8")
				w.Put("/p/members", "")
				w.Put(partition, "gone")
				w.Put(contender, "gone")
				w.Put("/services/orders/i0", permanent)
				w.Put(instance, fmt.Sprintf(instanceJSON, "orders", "i1", "null"))
				w.Put(ready, `{"round":3,"members":["member-a"]}`)
				meanwhile(w, func() { c.act(w, other) })
				require.ErrorIs(t, RemoveAbandoned(w.Context(), a.Manager, c.path), c.err)
				require.Equal(t, c.kept, exists(w, c.path))
			})
		})
	}
}

// The answer is lost, or the request: the outcome is found out.
func TestRemoveAbandoned_lostAnswers(t *testing.T) {
	partition := "/p/claims/3"
	for name, act := range map[string]func(w *testworld.World, p *testworld.Process){
		"request lost": func(w *testworld.World, _ *testworld.Process) { w.Once(deletes, testworld.Always(zktest.DropRequest)) },
		"answer lost":  func(w *testworld.World, _ *testworld.Process) { w.Once(deletes, testworld.Always(zktest.LoseReply)) },
		"throttled": func(w *testworld.World, _ *testworld.Process) {
			w.Once(deletes, testworld.Always(zktest.Fail(zktest.CodeThrottledOp)))
		},
		"session expired": func(w *testworld.World, p *testworld.Process) {
			meanwhile(w, func() { w.Srv.Expire(p.Current().ID()) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				w.Put("/p/claims", "8")
				w.Put("/p/members", "")
				w.Put(partition, "gone")
				p.Current()
				act(w, p)
				require.NoError(t, RemoveAbandoned(w.Context(), p.Manager, partition))
				require.False(t, exists(w, partition))
			})
		})
	}
	// The answer is lost, and a live member claims the partition before the
	// process learns what became of its request.
	testworld.Run(t, func(w *testworld.World) {
		p, other := w.Process(), w.Process()
		w.Put("/p/claims", "8")
		w.Put("/p/members", "")
		w.Put(partition, "gone")
		other.Current()
		p.Meddle(deletes, func() { put(w, other, partition, "live") })
		require.ErrorIs(t, RemoveAbandoned(w.Context(), p.Manager, partition), ErrNotAbandoned)
		require.True(t, exists(w, partition))
	})
	// No quorum answers until ctx ends.
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Put("/p/claims", "8")
		w.Put("/p/members", "")
		w.Put(partition, "gone")
		p.Current()
		w.Once(deletes, func() zktest.Action {
			w.Srv.LoseQuorum(true)
			return zktest.LoseReply
		})
		err := RemoveAbandoned(w.Within(time.Minute), p.Manager, partition)
		require.ErrorIs(t, err, session.ErrUnknownOutcome)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

// Other clients create children of the directory all the time.
func TestRemoveAbandoned_busyDirectory(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		instance := "/services/orders/i1"
		w.Put(instance, fmt.Sprintf(instanceJSON, "orders", "i1", "null"))
		n := 0
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if deletes(r) {
				n++
				w.Put("/services/orders/new", fmt.Sprintf(instanceJSON, "orders", "new", "null"))
				w.Remove("/services/orders/new")
			}
			return zktest.Pass
		})
		require.ErrorIs(t, RemoveAbandoned(w.Context(), p.Manager, instance), session.ErrBadVersion)
		require.Equal(t, maxRemovals, n)
		require.True(t, exists(w, instance))
	})
	// A wait queue may be as busy as it likes: no other znode gets the name.
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		contender := "/m/" + curatorName(1, "lock-", 0)
		w.Put(contender, "")
		n := 0
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if deletes(r) {
				n++
				w.Put("/m/"+curatorName(2, "lock-", n), "")
			}
			return zktest.Pass
		})
		require.NoError(t, RemoveAbandoned(w.Context(), p.Manager, contender))
		require.Equal(t, 1, n)
	})
}

// A znode whose ACL denies children can be removed all the same: its directory
// is what counts.
func TestRemoveAbandoned_rights(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		contender := "/m/" + curatorName(1, "lock-", 0)
		w.Put(contender, "")
		require.NoError(t, w.Srv.SetACL(contender, zktest.ACL{Perms: session.PermRead, Scheme: "world", ID: "anyone"}))
		require.NoError(t, RemoveAbandoned(w.Context(), p.Manager, contender))
		require.False(t, exists(w, contender))

		w.Put(contender, "")
		require.NoError(t, w.Srv.SetACL("/m", zktest.ACL{Perms: session.PermRead, Scheme: "world", ID: "anyone"}))
		require.ErrorIs(t, RemoveAbandoned(w.Context(), p.Manager, contender), session.ErrNoAuth)
		require.True(t, exists(w, contender))

		w.Open("/m")
		w.Shut("/m")
		require.ErrorIs(t, RemoveAbandoned(w.Context(), p.Manager, contender), session.ErrNoAuth)
		require.True(t, exists(w, contender))
		w.Open("/m")
		for _, closed := range []string{contender, "/"} { // neither is needed
			w.Put(contender, "")
			w.Shut(closed)
			require.NoError(t, RemoveAbandoned(w.Context(), p.Manager, contender), closed)
			require.False(t, exists(w, contender))
			w.Open("/")
		}
	})
}
