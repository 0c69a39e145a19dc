package inspect_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
)

// One znode that does not belong to a service or a partitioner does not hide it.
func TestRead_Strays(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		sm := w.Process().Manager
		_, err := naming.NewRegistry(sm).Register(w.Context(), naming.Instance{Service: "orders", ID: "s1", Address: "10.0.0.1", Port: 80})
		require.NoError(t, err)
		_, err = groupmembership.NewGroup(sm, "/pool/members").Join(w.Context(), "m1", nil)
		require.NoError(t, err)
		w.Put("/pool/claims", "8")
		w.Put("/services/orders/bogus", "xx")
		w.Put("/pool/members/zz", "x")
		w.Put("/job", `{"once":"never"}`)
		w.Put("/job/y", "x")
		w.Put("/damaged", `{"once":"done","run":`)

		report, err := inspect.Read(w.Context(), sm, "/")
		require.NoError(t, err)
		found := make(map[string]inspect.Finding)
		for _, f := range report.Findings {
			found[f.Head().Path] = f
		}
		service, ok := found["/services/orders"].(*inspect.Service)
		require.True(t, ok, "%T", found["/services/orders"])
		require.Len(t, service.Instances, 1)
		require.Equal(t, "s1", service.Instances[0].ID)
		require.Equal(t, 1, service.Unrecognised)
		require.IsType(t, &inspect.ConfigKey{}, found["/services/orders/bogus"])
		pool, ok := found["/pool"].(*inspect.Partitioner)
		require.True(t, ok, "%T", found["/pool"])
		require.Len(t, pool.Members, 1)
		require.Equal(t, 8, pool.Partitions)
		require.Equal(t, 1, pool.Unrecognised)
		require.IsType(t, &inspect.ConfigKey{}, found["/pool/members/zz"])
		require.IsType(t, &inspect.Job{}, found["/job"])
		require.IsType(t, &inspect.ConfigKey{}, found["/job/y"])
		require.Len(t, found["/damaged"].Head().Notes, 1)
		require.Contains(t, found["/damaged"].Head().Notes[0], "a damaged record of a job")
		strays := make(map[string]string)
		for _, p := range inspect.Problems(report, inspect.ProblemOptions{}) {
			if p.Kind == inspect.ProblemStray {
				strays[p.Path] = p.Text
			}
		}
		require.Equal(t, map[string]string{
			"/services/orders": "1 znode does not belong to the service",
			"/job":             "1 znode does not belong to the job",
			"/pool":            "1 znode does not belong to the partitioner",
		}, strays)
	})
}
