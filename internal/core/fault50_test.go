package core_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/testworld"
)

// largeAfterSmall puts nodes whose sizes a reader cannot guess: many small ones,
// and then large ones.
func largeAfterSmall(w *world, small, large int) []core.ReadOp {
	var ops []core.ReadOp
	for i := range small + large {
		op := core.ReadOp{Path: fmt.Sprintf("/t/%04d", i)}
		var data []byte
		if i >= small {
			data = bytes.Repeat([]byte{byte(i)}, 1<<20-1000)
		}
		require.NoError(w, w.Srv.Put(op.Path, data))
		ops = append(ops, op)
	}
	return ops
}

// An answer that is far larger than expected is not held: it is dropped, and
// read again in small parts, over the same connection.
func TestFault50_AnswersOfUnknownSize(t *testing.T) {
	inWorld(t, func(w *world) {
		ops := largeAfterSmall(w, 144, 40)
		p := w.process()
		s := p.session()
		sizes := w.batches()
		most, seen := 0, 0
		err := s.ReadManyFunc(w.Context(), ops, func(results []core.ReadResult) bool {
			bytes := 0
			for _, r := range results {
				require.NoError(w, r.Err)
				bytes += len(r.Data)
				if seen++; seen > 144 {
					require.Equal(w, byte(seen-1), r.Data[7])
				}
			}
			most = max(most, bytes)
			return true
		})
		require.NoError(w, err)
		require.Equal(w, len(ops), seen)
		require.LessOrEqual(w, most, 4<<20)
		require.Equal(w, []int{16, 128, 40, 1}, sizes()[:4], "40 large nodes in one answer, which is dropped")
		require.NoError(w, s.Err(), "it is no failure of the connection")
	})
}

// ReadSome stops once it has the bytes that were asked for.
func TestFault50_ReadSome(t *testing.T) {
	inWorld(t, func(w *world) {
		ops := largeAfterSmall(w, 20, 60)
		s := w.process().session()
		results, err := s.ReadSome(w.Context(), ops, 3<<20)
		require.NoError(w, err)
		require.Less(w, len(results), 30)
		bytes := 0
		for _, r := range results {
			bytes += len(r.Data)
		}
		require.GreaterOrEqual(w, bytes, 3<<20)
		require.LessOrEqual(w, bytes, 7<<20)
		one, err := s.ReadSome(w.Context(), ops[30:31], 1)
		require.NoError(w, err)
		require.Len(w, one, 1)
		seen, err := s.SeeSome(w.Context(), []string{"/t/0070", "/t/none", "/t/0071"}, 1)
		require.NoError(w, err)
		require.NotEmpty(w, seen)
	})
}

// Reading much data does not hold much memory beside it.
func TestFault50_MemoryOfReads(t *testing.T) {
	inWorld(t, func(w *world) {
		ops := largeAfterSmall(w, 0, 20)
		s := w.process().session()
		results, err := s.ReadMany(w.Context(), ops)
		require.NoError(w, err)
		held := testworld.Held(func() { results = nil })
		require.Less(w, held, 22<<20)
		require.Empty(w, results)
	})
}
