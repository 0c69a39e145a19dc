package session_test

import (
	"testing"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
)

func TestTxn(t *testing.T) {
	eachWay(t, func(w *world, ops operations, root string) {
		ctx := w.Context()
		require.NoError(w, w.srv.Put(root+"/a", []byte("v0")))
		require.NoError(w, w.srv.Put(root+"/gone", nil))
		results, err := ops.Txn(ctx,
			session.CheckOp("/a", 0),
			session.SetOp("/a", []byte("v1"), 0),
			session.CreateOp("/n-", []byte("x"), session.Sequential),
			session.CreateOp("/e", nil, session.Ephemeral),
			session.DeleteOp("/gone", session.AnyVersion),
		)
		require.NoError(w, err)
		require.Len(w, results, 5)
		require.Equal(w, int32(1), results[1].Stat.Version)
		require.Regexp(w, `^/n-\d{10}$`, results[2].Path)
		require.Equal(w, "/e", results[3].Path)
		_, ok := w.srv.Node(root + "/gone")
		require.False(w, ok)

		// All or nothing: the one at fault is named.
		before := w.srv.Paths()
		for _, c := range []struct {
			ops   []session.Op
			want  error
			blame string
		}{
			{[]session.Op{session.CreateOp("/x", nil, 0), session.SetOp("/a", nil, 7), session.DeleteOp("/e", 0)}, zk.ErrBadVersion, "op 2 (set /a)"},
			{[]session.Op{session.CheckOp("/nope", -1), session.CreateOp("/x", nil, 0)}, zk.ErrNoNode, "op 1 (check /nope)"},
			{[]session.Op{session.CreateOp("/x", nil, 0), session.CreateOp("/x", nil, 0)}, zk.ErrNodeExists, "op 2 (create /x)"},
			{[]session.Op{session.CreateOp("/x", nil, 0), session.SetOp("/a", nil, -1), session.DeleteOp("/a", 9)}, zk.ErrBadVersion, "op 3 (delete /a)"},
		} {
			_, err := ops.Txn(ctx, c.ops...)
			require.ErrorIs(w, err, c.want)
			require.ErrorContains(w, err, c.blame)
			require.NotErrorIs(w, err, session.ErrLost, "no guard was at fault")
			require.NotErrorIs(w, err, session.ErrUnknownOutcome)
			require.NotContains(w, err.Error(), "/prod")
			require.Equal(w, before, w.srv.Paths())
		}
		n, _ := w.srv.Node(root + "/a")
		require.Equal(w, "v1", string(n.Data))
	})
}

// What makes no sense is refused with the reason, and not sent.
func TestTxnRefuses(t *testing.T) {
	eachWay(t, func(w *world, ops operations, _ string) {
		counts := w.srv.Counts()
		for want, list := range map[string][]session.Op{
			"txn /: it has no operations":     nil,
			"txn /a: op 2: it is the zero Op": {session.SetOp("/a", nil, 1), {}},
			"txn /: op 1: it is the zero Op":  {{}},
			"cannot create containers":        {session.CreateOp("/c", nil, session.Container)},
			"op 2 (set a): invalid path":      {session.CheckOp("/a", 1), session.SetOp("a", nil, 1)},
			session.ErrTooLarge.Error():       {session.SetOp("/a", make([]byte, 600_000), 1), session.SetOp("/a", make([]byte, 600_000), 2)},
		} {
			_, err := ops.Txn(w.Context(), list...)
			require.ErrorContains(w, err, want)
			var at *session.OpError
			require.ErrorAs(w, err, &at)
			require.NotErrorIs(w, err, session.ErrUnknownOutcome)
		}
		require.Equal(w, counts, w.srv.Counts())
	})
}

// Fits says beforehand what Txn would refuse.
func TestFits(t *testing.T) {
	eachWay(t, func(w *world, _ operations, _ string) {
		m := w.process().Manager
		counts := w.srv.Counts()
		require.NoError(w, m.Fits(session.CreateOp("/a", make([]byte, session.DefaultMaxRequest-1000), session.Ephemeral)))
		require.ErrorIs(w, m.Fits(session.CreateOp("/a", make([]byte, session.DefaultMaxRequest), session.Ephemeral)), session.ErrTooLarge)
		require.ErrorContains(w, m.Fits(session.DeleteOp("a", 0)), "invalid path")
		require.Equal(w, counts, w.srv.Counts())
	})
}
