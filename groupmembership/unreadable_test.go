package groupmembership_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// problems is what OnProblem was told.
type problems struct {
	mu  sync.Mutex
	all []error
}

func (p *problems) option() groupmembership.PartitionerOption {
	return groupmembership.OnProblem(func(err error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.all = append(p.all, err)
	})
}

func (p *problems) take() []error {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.all
	p.all = nil
	return all
}

// One znode among members or claims may not be read. The partitions of departed
// members go to the others, new members get their share, and the error is
// reported.
func TestFault19_OneUnreadableNode(t *testing.T) {
	for name, c := range map[string]struct {
		path string
		left int // partitions that can be owned
	}{
		"member": {orders + "/members/stranger", 6},
		"claim":  {orders + "/claims/5", 5},
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				w.Put(c.path, "secret")
				allow := w.Fail(zktest.OpGetData, c.path, zktest.CodeNoAuth)
				co := newCourt(w)
				var told problems
				dying := w.Process()
				a, b := co.work(dying, "a", 6), co.work(w.Process(), "b", 6, told.option())
				co.settled(c.left, a, b)
				dying.Link.Cut(zktest.Both)
				co.settled(c.left, b)
				d := co.work(w.Process(), "d", 6)
				co.settled(c.left, b, d)
				time.Sleep(time.Hour)
				errs := told.take()
				require.Len(w, errs, 1, "told once")
				require.ErrorIs(w, errs[0], session.ErrNoAuth)
				require.ErrorContains(w, errs[0], c.path)

				// The readable members are yielded, with an error for the rest.
				p := groupmembership.NewPartitioner(w.Process().Manager, orders, 6)
				owners, err := p.Owners(w.Context())
				require.ErrorIs(w, err, session.ErrNoAuth)
				require.Len(w, owners, 6)
				for i, o := range owners[:c.left] {
					require.Contains(w, []string{"b", "d"}, o.ID, "partition %d", i)
					require.NoError(w, o.Err)
				}
				if c.left < 6 {
					require.ErrorIs(w, owners[5].Err, session.ErrNoAuth)
				}

				allow()
				time.Sleep(time.Minute)
				if c.left < 6 { // the claim can be read, and belongs to no session
					errs = told.take()
					require.Len(w, errs, 1)
					require.ErrorIs(w, errs[0], session.ErrNotEphemeral)
					require.NotErrorIs(w, errs[0], session.ErrNoAuth)
					require.ErrorContains(w, errs[0], c.path+": the znode is not ephemeral")
					w.Remove(c.path)
					time.Sleep(time.Second)
				}
				require.Equal(w, []error{nil}, told.take(), "all is well again")
				if c.left == 6 {
					w.Remove(c.path)
				}
				co.settled(6, b, d)
			})
		})
	}
}

// Where members or claims may not be listed at all there is nothing to divide:
// Run says so instead of waiting.
func TestFault19_NothingReadable(t *testing.T) {
	for _, dir := range []string{orders, orders + "/members", orders + "/claims"} {
		t.Run(dir, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				w.Put(orders+"/claims", "6")
				w.Srv.Intercept(func(r zktest.Request) zktest.Action {
					if r.Path == dir && (r.Op == zktest.OpGetData || r.Op == zktest.OpGetChildren || r.Op == zktest.OpGetChildren2) {
						return zktest.Fail(zktest.CodeNoAuth)
					}
					return zktest.Pass
				})
				k := newCourt(w).work(w.Process(), "a", 6)
				select {
				case <-k.done:
				case <-time.After(time.Minute):
					require.FailNow(w, "it hangs")
				}
				require.ErrorIs(w, k.err, session.ErrNoAuth)
			})
		})
	}
}

// Rights to list are taken away and given back: partitions stay as they are in
// between, and the error is reported.
func TestFault19_RightsComeBack(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		co := newCourt(w)
		var told problems
		a, dying := co.work(w.Process(), "a", 6, told.option()), w.Process()
		b := co.work(dying, "b", 6)
		co.settled(6, a, b)
		allow := w.Refuse(orders + "/members")
		require.NoError(w, dying.Close())
		time.Sleep(time.Minute)
		require.Len(w, a.owned(), 3)
		require.ErrorIs(w, told.take()[0], session.ErrNoAuth)
		allow()
		co.settled(6, a)
		require.Equal(w, []error{nil}, told.take())
	})
}

// Members marks the members that cannot be read, and lists the rest.
func TestFault19_MembersBesideAnUnreadableOne(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		join(p, "a", "1")
		join(p, "b", "2")
		join(p, "c", "3")
		w.Fail(zktest.OpGetData, path+"/b", zktest.CodeNoAuth)
		members, err := groupmembership.NewGroup(p.Manager, path).Members(w.Context())
		require.NoError(w, err)
		require.True(w, members[1].Hidden)
		require.Equal(w, "a=1 b= c=3", show(members))
		members, err = groupmembership.NewGroup(p.Manager, path).Members(testworld.Cancelled())
		require.ErrorIs(w, err, context.Canceled)
		require.Empty(w, members)
	})
}
