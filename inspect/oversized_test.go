package inspect

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
)

// large does not fit into a znode whose data a report keeps.
var large = strings.Repeat("x", maxData+1)

// One znode with large data does not change what its recipe is recognised as. What
// only its data tells is left out, and the report says so.
func TestRead_oversizedZnodes(t *testing.T) {
	for name, c := range map[string]struct {
		make  func(w *testworld.World, p *testworld.Process)
		check func(w *testworld.World, r *Report)
		out   int // znodes whose data is left out
	}{
		"an instance of a service": {
			func(w *testworld.World, p *testworld.Process) {
				registry := naming.NewRegistry(p.Manager)
				for _, id := range []string{"a", "b", "c"} {
					in := naming.Instance{Service: "orders", ID: id, Address: "h", Port: 80}
					if id == "b" {
						in.Metadata = map[string]string{"k": large}
					}
					_, err := registry.Register(w.Context(), in)
					require.NoError(w, err)
				}
			},
			func(w *testworld.World, r *Report) {
				f := at[*Service](w, r, "/services/orders")
				require.Len(w, f.Instances, 3)
				for i, id := range []string{"a", "b", "c"} {
					in := f.Instances[i]
					require.Equal(w, id, in.ID)
					require.Equal(w, id == "b", in.LeftOut)
					require.Equal(w, id != "b", in.Address == "h")
					require.NotZero(w, in.Session)
				}
				require.Empty(w, f.Abandoned)
			}, 1,
		},
		"a static instance": {
			func(w *testworld.World, p *testworld.Process) {
				registry := naming.NewRegistry(p.Manager)
				_, err := registry.Register(w.Context(), naming.Instance{Service: "orders", ID: "a", Address: "h", Port: 80})
				require.NoError(w, err)
				_, err = registry.Register(w.Context(), naming.Instance{
					Service: "orders", ID: "b", Address: "h", Port: 80, Type: naming.Static, Metadata: map[string]string{"k": large},
				})
				require.NoError(w, err)
			},
			func(w *testworld.World, r *Report) {
				f := at[*Service](w, r, "/services/orders")
				require.Len(w, f.Instances, 2)
				require.True(w, f.Instances[1].LeftOut)
			}, 1,
		},
		"a member of a group": {
			func(w *testworld.World, p *testworld.Process) {
				for _, id := range []string{"a", "b", "c"} {
					payload := "x"
					if id == "b" {
						payload = large
					}
					_, err := groupmembership.NewGroup(p.Manager, "/group").Join(w.Context(), id, []byte(payload))
					require.NoError(w, err)
				}
			},
			func(w *testworld.World, r *Report) {
				require.Equal(w, []string{"a", "b", "c"}, ids(at[*Group](w, r, "/group").Members))
			}, 0,
		},
		"all members of a group": {
			func(w *testworld.World, p *testworld.Process) {
				for _, id := range []string{"a", "b"} {
					_, err := groupmembership.NewGroup(p.Manager, "/group").Join(w.Context(), id, []byte(large))
					require.NoError(w, err)
				}
			},
			func(w *testworld.World, r *Report) {
				require.Equal(w, []string{"a", "b"}, ids(at[*Group](w, r, "/group").Members))
			}, 0,
		},
		"a lock beside locks": {
			func(w *testworld.World, p *testworld.Process) {
				_, err := lock.NewOneNode(p.Manager, "/locks/a").Lock(w.Context())
				require.NoError(w, err)
				put(w, p, "/locks/b", large)
			},
			func(w *testworld.World, r *Report) {
				require.False(w, at[*OneNode](w, r, "/locks/a").Holder.LeftOut)
				require.True(w, at[*OneNode](w, r, "/locks/b").Holder.LeftOut)
			}, 1,
		},
		"a contender of a lock": {
			func(w *testworld.World, p *testworld.Process) {
				held(w, p, "/lock", "a")
				put(w, p, "/lock/"+curatorName(1, "lock-", 7), large)
			},
			func(w *testworld.World, r *Report) {
				f := at[*Lock](w, r, "/lock")
				require.Equal(w, "a", f.Holder.ID)
				require.Len(w, f.Waiters, 1)
				require.True(w, f.Waiters[0].LeftOut)
			}, 1,
		},
		"a candidate of an election": {
			func(w *testworld.World, p *testworld.Process) {
				_, err := election.New(p.Manager, "/election", election.ID("a")).Campaign(w.Context())
				require.NoError(w, err)
				put(w, p, "/election/"+curatorName(1, "latch-", 7), large)
			},
			func(w *testworld.World, r *Report) {
				f := at[*Election](w, r, "/election")
				require.Equal(w, "a", f.Leader.ID)
				require.Len(w, f.Candidates, 1)
				require.True(w, f.Candidates[0].LeftOut)
			}, 1,
		},
		"an item and a claim of a queue": {
			func(w *testworld.World, p *testworld.Process) {
				q := queue.New(p.Manager, "/q")
				for range 2 {
					_, err := q.Put(w.Context(), []byte(large))
					require.NoError(w, err)
				}
				item, err := q.Take(w.Context())
				require.NoError(w, err)
				require.NotNil(w, item)
				put(w, p, "/q/claims/"+w.Children("/q/items")[1], large)
			},
			func(w *testworld.World, r *Report) {
				f := at[*Queue](w, r, "/q")
				require.Equal(w, 2, f.Length)
				require.NotNil(w, f.Oldest)
				require.Len(w, f.Claims, 2)
				require.False(w, f.Claims[0].LeftOut)
				require.True(w, f.Claims[1].LeftOut)
			}, 1,
		},
		"the round of a double barrier": {
			func(w *testworld.World, p *testworld.Process) {
				var members []string
				for i := range 120 {
					name := fmt.Sprintf("member-%030d", i)
					members = append(members, `"`+name+`"`)
					put(w, p, "/double/"+name, "")
				}
				w.Put("/double/ready", `{"round":1,"members":[`+strings.Join(members, ",")+`]}`)
			},
			func(w *testworld.World, r *Report) {
				f := at[*Double](w, r, "/double")
				require.True(w, f.Ready)
				require.Len(w, f.Inside, 120)
			}, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				c.make(w, p)
				r := report(w, p, "/")
				c.check(w, r)
				require.Equal(w, c.out, r.LeftOut.Znodes, "%+v", r.LeftOut)
				require.Equal(w, c.out == 0, r.Complete())
			})
		})
	}
}

// What MaxBytes leaves out does not change what a service is recognised as either.
func TestRead_servicesBeyondMaxBytes(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		registry := naming.NewRegistry(p.Manager)
		for i := range 20 {
			_, err := registry.Register(w.Context(), naming.Instance{Service: "orders", ID: fmt.Sprintf("%02d", i), Address: "h", Port: 80})
			require.NoError(w, err)
		}
		r := report(w, p, "/", MaxBytes(1000))
		f := at[*Service](w, r, "/services/orders")
		require.Len(w, f.Instances, 20)
		left := 0
		for _, in := range f.Instances {
			if in.LeftOut {
				left++
			}
		}
		require.NotZero(w, left)
		require.Equal(w, left, r.LeftOut.Znodes)
	})
}
