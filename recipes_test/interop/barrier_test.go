//go:build unix

package interop

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/session"
)

// A Barrier, Curator's DistributedBarrier and kazoo's Barrier: all waiters
// pass, whichever library sets and lifts the gate.
func TestBarrier(t *testing.T) {
	w := inWorld(t)
	java, python := w.curator(), w.kazoo()
	sm := w.docent()
	// Not a container: the server removes an empty one, and kazoo's create may
	// come just then.
	_, err := sm.Create(w.within(patience), "/barrier", nil, session.Persistent)
	require.NoError(w, err)
	gate := barrier.New(sm, "/barrier/gate")
	ways := map[string]struct{ set, lift func(w *world) }{
		"docent": {
			func(w *world) { require.NoError(w, gate.Set(w.Context())) },
			func(w *world) { require.NoError(w, gate.Lift(w.Context())) },
		},
		"curator": {
			func(w *world) { java.As(w).Actor("a").Do("meet.set", gate.Path()) },
			func(w *world) { java.As(w).Actor("a").Do("meet.lift", gate.Path()) },
		},
		"kazoo": {
			func(w *world) { python.As(w).Actor("a").Do("meet.set", gate.Path()) },
			func(w *world) { python.As(w).Actor("a").Do("meet.lift", gate.Path()) },
		},
	}
	for setter, set := range ways {
		for lifter, lift := range ways {
			w.part(setter+" sets, "+lifter+" lifts", func(w *world) {
				set.set(w)
				closed, err := gate.IsSet(w.Context())
				require.NoError(w, err)
				require.True(w, closed)
				require.Equal(w, "false", java.As(w).Actor("b").Do("meet.wait", gate.Path(), 1))
				require.Equal(w, "false", python.As(w).Actor("b").Do("meet.wait", gate.Path(), 1))
				theirs := java.As(w).Actor("b").Go("meet.wait", gate.Path(), ms(patience))
				kazoos := python.As(w).Actor("b").Go("meet.wait", gate.Path(), ms(patience))
				ours := later(func() (struct{}, error) { return struct{}{}, gate.Wait(w.within(patience)) })
				require.True(w, theirs.Pending() && kazoos.Pending() && ours.waiting())
				lift.lift(w)
				require.Equal(w, "true", theirs.Get())
				require.Equal(w, "true", kazoos.Get())
				_, err = ours.get()
				require.NoError(w, err)
			})
		}
	}
}

// A Double, Curator's DistributedDoubleBarrier and kazoo's DoubleBarrier.
func TestDoubleBarrier(t *testing.T) {
	w := inWorld(t)
	java, python := w.curator(), w.kazoo()

	enter := func(w *world, kind string, d *barrier.Double) *pending[*barrier.Visit] {
		return later(func() (*barrier.Visit, error) {
			switch kind {
			case "docent":
				return d.Enter(w.within(patience))
			case "kazoo":
				_, err := python.As(w).Actor("a").Go("meet.enter", d.Path(), d.Count()).Result()
				return nil, err
			default:
				got, err := java.As(w).Actor(kind).Go("meet.enter", d.Path(), d.Count(), ms(patience)).Result()
				if err == nil && got != "true" {
					err = errTimeout
				}
				return nil, err
			}
		})
	}
	leave := func(w *world, kind string, d *barrier.Double, v *barrier.Visit) *pending[struct{}] {
		return later(func() (none struct{}, err error) {
			switch kind {
			case "docent":
				return none, v.Leave(w.within(patience))
			case "kazoo":
				_, err = python.As(w).Actor("a").Go("meet.leave", d.Path()).Result()
			default:
				var got string
				got, err = java.As(w).Actor(kind).Go("meet.leave", d.Path(), ms(patience)).Result()
				if err == nil && got != "true" {
					err = errTimeout
				}
			}
			return none, err
		})
	}

	// together runs a round with these members. No member enters before the
	// last one comes. No member that waits for all leaves before the last one
	// leaves.
	together := func(w *world, path string, kinds ...string) {
		d := barrier.NewDouble(w.docent(), path, len(kinds))
		var entering []*pending[*barrier.Visit]
		for i, kind := range kinds {
			for _, e := range entering {
				require.True(w, e.waiting(), "a member went in alone")
			}
			entering = append(entering, enter(w, kind, d))
			if i < len(kinds)-1 {
				w.settles(kind+" is a member", func() bool {
					members, err := d.Members(w.Context())
					return err == nil && len(members) == i+1
				})
			}
		}
		var visits []*barrier.Visit
		for i, e := range entering {
			v, err := e.get()
			require.NoError(w, err, kinds[i])
			visits = append(visits, v)
		}
		var leaving []*pending[struct{}]
		for i, kind := range kinds {
			for n, l := range leaving {
				if kinds[n] != "kazoo" { // kazoo comes out as soon as the first member by name has gone
					require.True(w, l.waiting(), "%s came out alone", kinds[n])
				}
			}
			leaving = append(leaving, leave(w, kind, d, visits[i]))
		}
		for i, l := range leaving {
			_, err := l.get()
			require.NoError(w, err, kinds[i])
		}
		members, err := d.Members(w.Context())
		require.NoError(w, err)
		require.Empty(w, members)
	}

	w.part("with Curator", func(w *world) {
		together(w, "/double/curator", "docent", "curator 1", "docent", "curator 2")
		together(w, "/double/curator", "curator 1", "docent", "curator 2", "docent")
		together(w, "/double/curator", "curator 1", "curator 2", "docent")
	})

	w.part("with kazoo", func(w *world) {
		together(w, "/double/kazoo 1", "docent", "kazoo")
		together(w, "/double/kazoo 2", "kazoo", "docent", "docent")
		together(w, "/double/kazoo 1", "docent", "kazoo", "docent")
	})

	w.part("with both", func(w *world) {
		together(w, "/double/both 1", "docent", "curator 1", "kazoo", "docent", "curator 2")
		together(w, "/double/both 2", "kazoo", "curator 1", "docent")
		together(w, "/double/both 3", "docent", "kazoo", "curator 1")
	})

	// A member that is killed inside has left when its session ends.
	w.part("killed", func(w *world) {
		const path = "/double/killed"
		d := barrier.NewDouble(w.docent(), path, 3)
		doomed := w.curator()
		sm, kill := w.doomed()
		theirs := doomed.Actor("a").Go("meet.enter", path, 3, ms(patience))
		dead := later(func() (*barrier.Visit, error) { return barrier.NewDouble(sm, path, 3).Enter(w.within(patience)) })
		visit, err := d.Enter(w.within(patience))
		require.NoError(w, err)
		require.Equal(w, "true", theirs.Get())
		_, err = dead.get()
		require.NoError(w, err)
		kill()
		doomed.Kill()
		require.NoError(w, visit.Leave(w.within(patience)))

		// The next round begins afterwards.
		together(w, path, "curator 1", "docent")
	})

	w.part("killed among Curator's", func(w *world) {
		const path = "/double/orphaned"
		sm, kill := w.doomed()
		d := barrier.NewDouble(sm, path, 2)
		theirs := java.As(w).Actor("curator 1").Go("meet.enter", path, 2, ms(patience))
		_, err := d.Enter(w.within(patience))
		require.NoError(w, err)
		require.Equal(w, "true", theirs.Get())
		out := java.As(w).Actor("curator 1").Go("meet.leave", path, ms(patience))
		kill()
		require.Equal(w, "true", out.Get())
	})

	// Mixes that do not work on one path. If one of these fails, the table in
	// docs/interop.md is out of date.

	w.part("never: more Curators than places", func(w *world) {
		const path = "/double/full"
		d := barrier.NewDouble(w.docent(), path, 2)
		first, second := enter(w, "docent", d), enter(w, "docent", d)
		v1, err := first.get()
		require.NoError(w, err)
		v2, err := second.get()
		require.NoError(w, err)
		_, err = d.Enter(w.within(patience))
		require.ErrorIs(w, err, barrier.ErrFull)
		_, err = enter(w, "curator 1", d).get()
		require.NoError(w, err, "Curator counts places now")
		require.NoError(w, v1.Err())
		require.NoError(w, v2.Err())
		out := leave(w, "curator 1", d, nil)
		require.NoError(w, v1.Release())
		require.NoError(w, v2.Leave(w.within(patience)))
		_, err = out.get()
		require.NoError(w, err)
	})

	// kazoo leaves as soon as the first member by name has gone, unless it is
	// the first itself.
	w.part("never: kazoo waits for all", func(w *world) {
		for n := range 100 {
			path := fmt.Sprint("/double/early ", n)
			d := barrier.NewDouble(w.docent(), path, 3)
			first, second, theirs := enter(w, "docent", d), enter(w, "docent", d), enter(w, "kazoo", d)
			low, err := first.get()
			require.NoError(w, err)
			high, err := second.get()
			require.NoError(w, err)
			_, err = theirs.get()
			require.NoError(w, err)
			if low.Path() > high.Path() {
				low, high = high, low
			}
			members, err := d.Members(w.within(patience))
			require.NoError(w, err)
			lowest := slices.MinFunc(members, func(a, b barrier.Member) int { return strings.Compare(a.Path, b.Path) })
			out := leave(w, "kazoo", d, nil)
			if lowest.Path != low.Path() { // it is kazoo's: try again
				require.NoError(w, low.Release())
				require.NoError(w, high.Release())
				_, err := out.get()
				require.NoError(w, err)
				continue
			}
			w.settles("kazoo waits for the lowest", func() bool {
				members, err := d.Members(w.Context())
				return err == nil && len(members) == 2
			})
			require.NoError(w, low.Release())
			_, err = out.get()
			require.NoError(w, err)
			require.NoError(w, high.Err(), "kazoo waits for all now")
			require.NoError(w, high.Release())
			return
		}
		require.Fail(w, "kazoo's name is the lowest each time")
	})
}
