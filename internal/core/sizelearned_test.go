package core_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// A server accepts only smaller requests than this Manager's MaxRequest. A
// refused size is not sent again: the next reconnection and the next read cost
// no connection.
func TestSizeThatAServerRefusesIsRemembered(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process(func(cfg *core.Config) { cfg.Timeout = 30 * time.Second })
		s := p.session()
		const many = 400
		var reads []core.ReadOp
		for i := range many {
			path := fmt.Sprintf("/node-%060d", i)
			require.NoError(w, w.Srv.Put(path, nil))
			_, _, _, err := s.GetFunc(w.Context(), path, func(core.EventType) {})
			require.NoError(w, err)
			reads = append(reads, core.ReadOp{Path: path})
		}
		dialled := func(f func()) int {
			w.Srv.ResetCounts()
			f()
			synctest.Wait()
			return w.Srv.Count(zktest.OpConnect)
		}
		reconnect := func() {
			p.link.Disconnect()
			time.Sleep(10 * time.Second)
			require.Equal(w, core.Connected, p.State())
			require.Equal(w, many, w.Srv.SessionWatches(s.ID()))
		}
		require.Greater(w, dialled(reconnect), 1, "it has to learn")
		require.Equal(w, 1, dialled(reconnect))
		require.Equal(w, 1, dialled(reconnect))
		require.Zero(w, dialled(func() {
			_, err := s.ReadTogether(w.Context(), reads)
			require.NoError(w, err)
		}))
		time.Sleep(2 * time.Hour)
		require.Greater(w, dialled(reconnect), 1, "the server may have been configured anew")
		require.Equal(w, s.ID(), p.session().ID())
	}, zktest.MaxFrame(5000))
}

// The same is learned from reads.
func TestSizeOfReadsThatAServerRefusesIsRemembered(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process(func(cfg *core.Config) { cfg.Timeout = 30 * time.Second })
		var reads []core.ReadOp
		for i := range 400 {
			reads = append(reads, core.ReadOp{Path: fmt.Sprintf("/node-%060d", i)})
		}
		read := func() int {
			w.Srv.ResetCounts()
			_, err := p.session().ReadTogether(w.Context(), reads)
			require.NoError(w, err)
			return w.Srv.Count(zktest.OpConnect)
		}
		require.Positive(w, read())
		require.Zero(w, read())
	}, zktest.MaxFrame(5000))
}
