package core_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
)

// ZooKeeper 3.9 answers a create with a requested stat in a transaction as a
// create2, with path and stat. Some proxies and older servers answer every
// create like this. A transaction understands both forms.
func TestFault41_TransactionsThatAnswerAsCreate2(t *testing.T) {
	for name, create2 := range map[string]bool{"create": false, "create2": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				sc, sm := w.scripted()
				sc.create2 = create2
				results, err := sm.Txn(w.Context(),
					core.CreateOp("/d/a", []byte("x"), core.Persistent), core.SetOp("/d", nil, 0),
					core.CreateOp("/d/b-", nil, core.EphemeralSequential), core.CheckOp("/d", 1), core.DeleteOp("/d/c", 0))
				require.NoError(w, err)
				require.Len(w, results, 5)
				require.Equal(w, "/d/a", results[0].Path)
				require.Equal(w, theStat, results[1].Stat)
				require.Equal(w, "/d/b-0000000001", results[2].Path)
				require.Zero(w, results[3])
				require.Zero(w, results[4])
			})
		})
	}
}
