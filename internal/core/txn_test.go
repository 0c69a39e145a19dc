package core_test

import (
	"testing"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
)

func TestTxn(t *testing.T) {
	eachWay(t, func(w *world, ops operations, root string) {
		ctx := w.Context()
		require.NoError(w, w.Srv.Put(root+"/a", []byte("v0")))
		require.NoError(w, w.Srv.Put(root+"/gone", nil))
		results, err := ops.Txn(ctx,
			core.CheckOp("/a", 0),
			core.SetOp("/a", []byte("v1"), 0),
			core.CreateOp("/n-", []byte("x"), core.Sequential),
			core.CreateOp("/e", nil, core.Ephemeral),
			core.DeleteOp("/gone", core.AnyVersion),
		)
		require.NoError(w, err)
		require.Len(w, results, 5)
		require.Equal(w, int32(1), results[1].Stat.Version)
		require.Regexp(w, `^/n-\d{10}$`, results[2].Path)
		require.Equal(w, "/e", results[3].Path)
		_, ok := w.Srv.Node(root + "/gone")
		require.False(w, ok)

		// All or nothing: the one at fault is named.
		before := w.Srv.Paths()
		for _, c := range []struct {
			ops   []core.Op
			want  error
			blame string
		}{
			{[]core.Op{core.CreateOp("/x", nil, 0), core.SetOp("/a", nil, 7), core.DeleteOp("/e", 0)}, zk.ErrBadVersion, "op 2 (set /a)"},
			{[]core.Op{core.CheckOp("/nope", -1), core.CreateOp("/x", nil, 0)}, zk.ErrNoNode, "commit txn /nope: op 1 (check): "},
			{[]core.Op{core.CreateOp("/x", nil, 0), core.CreateOp("/x", nil, 0)}, zk.ErrNodeExists, "commit txn /x: op 2 (create): "},
			{[]core.Op{core.CreateOp("/x", nil, 0), core.SetOp("/a", nil, -1), core.DeleteOp("/a", 9)}, zk.ErrBadVersion, "op 3 (delete /a)"},
		} {
			_, err := ops.Txn(ctx, c.ops...)
			require.ErrorIs(w, err, c.want)
			require.ErrorContains(w, err, c.blame)
			require.NotErrorIs(w, err, core.ErrLost, "no guard was at fault")
			require.NotErrorIs(w, err, core.ErrUnknownOutcome)
			require.NotContains(w, err.Error(), "/prod")
			require.Equal(w, before, w.Srv.Paths())
		}
		n, _ := w.Srv.Node(root + "/a")
		require.Equal(w, "v1", string(n.Data))
	})
}

// Invalid operations are refused with the reason, and not sent.
func TestTxnRefuses(t *testing.T) {
	eachWay(t, func(w *world, ops operations, _ string) {
		counts := w.Srv.Counts()
		for want, list := range map[string][]core.Op{
			"commit txn /: the transaction has no operations": nil,
			"commit txn /a: op 2: the Op is the zero value":   {core.SetOp("/a", nil, 1), {}},
			"commit txn /: op 1: the Op is the zero value":    {{}},
			"cannot create containers":                        {core.CreateOp("/c", nil, core.Container)},
			"commit txn a: op 2 (set): invalid path":          {core.CheckOp("/a", 1), core.SetOp("a", nil, 1)},
			core.ErrTooLarge.Error():                          {core.SetOp("/a", make([]byte, 600_000), 1), core.SetOp("/a", make([]byte, 600_000), 2)},
		} {
			_, err := ops.Txn(w.Context(), list...)
			require.ErrorContains(w, err, want)
			var at *core.OpError
			require.ErrorAs(w, err, &at)
			require.NotErrorIs(w, err, core.ErrUnknownOutcome)
		}
		require.Equal(w, counts, w.Srv.Counts())
	})
}

// Fits returns the error with which Txn would refuse the operations.
func TestFits(t *testing.T) {
	eachWay(t, func(w *world, _ operations, _ string) {
		m := w.process().Manager
		counts := w.Srv.Counts()
		require.NoError(w, m.Fits(core.CreateOp("/a", make([]byte, core.DefaultMaxRequest-1000), core.Ephemeral)))
		require.ErrorIs(w, m.Fits(core.CreateOp("/a", make([]byte, core.DefaultMaxRequest), core.Ephemeral)), core.ErrTooLarge)
		require.ErrorContains(w, m.Fits(core.DeleteOp("a", 0)), "invalid path")
		require.Equal(w, counts, w.Srv.Counts())
	})
}
