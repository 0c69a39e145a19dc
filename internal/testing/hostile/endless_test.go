package hostile_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/hostile"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/internal/wire"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// bottomless answers each read of a multiRead as if every node had a child.
func bottomless(f hostile.Frame) hostile.Reaction {
	r, err := wire.ParseReply(f.Bytes)
	if err != nil || f.Op != zktest.OpMultiRead {
		return hostile.Reaction{Bytes: f.Bytes}
	}
	names := wire.NewEncoder(16)
	names.Strings([]string{"deeper"})
	var results []wire.Result
	for d := wire.NewDecoder(f.Asked); d.Err() == nil; {
		op, end := wire.Op(d.Int32()), d.Bool()
		if d.Int32(); end {
			break
		}
		_, _ = d.String(), d.Bool()
		results = append(results, wire.Result{Op: op, Data: []byte("x"), Stat: wire.Stat{Czxid: 1, Mzxid: 1, Pzxid: 1, NumChildren: 1}})
	}
	return hostile.Reaction{Bytes: hostile.Listings(r, results, names.Frame()[4:])}
}

// A tree in which every node has a child is read down to a limit.
func TestFault44_BottomlessTree(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		require.NoError(w, w.Srv.Put("/r", nil))
		frames := 0
		victim := w.Process(func(cfg *session.Config) {
			cfg.Dialer = hostile.Between(w.Srv.Link().DialContext, hostile.Paced(w, func(f hostile.Frame) hostile.Reaction {
				frames++
				return bottomless(f)
			}))
		})
		tree, err := config.OpenTree(w.Within(time.Minute), victim.Manager, "/r", config.Text())
		require.NoError(w, err)
		require.Less(w, frames, 600)
		require.NotZero(w, tree.Load().Len())
		require.NoError(w, tree.Close())
	})
}
