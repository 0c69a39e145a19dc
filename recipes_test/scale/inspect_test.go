package scale

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// A report of very many znodes takes a request for each sixteen of them, and a list
// for each directory.
func TestInspectManyNodes(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	const dirs = 100
	perDir := sized(100_000)/dirs - 1
	sm := dial(t, session.Config{Servers: ensemble.Start(t, 1).Addrs()})
	ctx := within(t)
	_, err := sm.Create(ctx, "/top", nil, session.Persistent)
	require.NoError(t, err)
	for d := range dirs {
		var ops []session.Op
		dir := fmt.Sprintf("/top/%02d", d)
		ops = append(ops, session.CreateOp(dir, nil, session.Persistent))
		for i := range perDir {
			ops = append(ops, session.CreateOp(fmt.Sprintf("%s/%06d", dir, i), []byte("value"), session.Persistent))
		}
		_, err := sm.Txn(ctx, ops...)
		require.NoError(t, err)
	}
	nodes := 1 + dirs*(1+perDir)
	began := time.Now()
	r, err := inspect.Read(ctx, sm, "/top", inspect.Limit(2*nodes), inspect.Children(max(dirs, perDir)))
	took := time.Since(began)
	require.NoError(t, err)
	require.True(t, r.Complete())
	require.Equal(t, nodes, r.Nodes)
	// The question to a quorum, the top, the lists, and the batches of perDir
	// level.
	batches := (dirs+15)/16 + (dirs*perDir+15)/16
	require.Equal(t, 1+1+(1+dirs)+batches, r.Requests)
	t.Logf("%d znodes, %d requests, %v", nodes, r.Requests, took)
}
