package hostile_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/internal/testing/hostile"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// lengthAs is a reaction that replaces the length of the data in the stats of
// znodes that hold honest bytes, and have neither an owner nor children.
func lengthAs(honest, said int32) func(hostile.Frame) hostile.Reaction {
	stat := func(n int32) []byte {
		out := make([]byte, 8, 16) // the owner
		out = binary.BigEndian.AppendUint32(out, uint32(n))
		return append(out, 0, 0, 0, 0) // the number of children
	}
	return func(f hostile.Frame) hostile.Reaction {
		return hostile.Reaction{Bytes: bytes.ReplaceAll(f.Bytes, stat(honest), stat(said))}
	}
}

// The lengths in the stats of a lying server do not lift the limits of bytes.
func TestFault44_FalseLengths(t *testing.T) {
	const size, limit = 1000, 5500
	for _, said := range []int32{math.MinInt32, -1, 0, 1, math.MaxInt32} {
		t.Run(fmt.Sprint(said), func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				for i := range 40 {
					w.Put(fmt.Sprintf("/r/k%02d", i), strings.Repeat("x", size))
				}
				victim := w.Process(func(cfg *session.Config) {
					cfg.Dialer = hostile.Between(w.Srv.Link().DialContext, hostile.Paced(w, lengthAs(size, said)))
				})
				tree, err := config.OpenTree(w.Within(time.Minute), victim.Manager, "/r", config.Text(), config.MaxBytes[string](limit))
				require.NoError(w, err)
				held := 0
				for key := range tree.Load().All() {
					held += len(key.Value)
				}
				require.LessOrEqual(w, held, limit, "a tree")
				require.NoError(w, tree.Close())

				members, err := groupmembership.NewGroup(victim.Manager, "/r", groupmembership.MaxBytes(limit)).Members(w.Within(time.Minute))
				if err != nil {
					require.ErrorIs(w, err, session.ErrLeftOut)
				}
				held = 0
				for _, m := range members {
					held += len(m.Payload)
				}
				require.LessOrEqual(w, held, limit, "a group")

				_, err = inspect.Read(w.Within(time.Minute), victim.Manager, "/", inspect.MaxBytes(limit))
				require.NoError(w, err)
			})
		})
	}
}
