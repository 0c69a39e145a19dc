package config_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// A write is done, its answer lost, and another process makes the key anew,
// with the version that it had: the key is not touched.
func TestFault04_StoreLeavesTheNextKeyAlone(t *testing.T) {
	anew := func(w *testworld.World) {
		if _, found := w.Srv.Node("/config/k"); found {
			w.Remove("/config/k")
		}
		w.Put("/config/k", "theirs")
	}
	gone := func(w *testworld.World) { w.Remove("/config/k") }
	for name, c := range map[string]struct {
		op     zktest.Op
		there  bool // beforehand
		write  func(ctx context.Context, s *config.Store) error
		meddle func(w *testworld.World)
		left   string // "" for none
	}{
		"set": {zktest.OpSetData, true, func(ctx context.Context, s *config.Store) error {
			return testworld.ErrOf(s.Set(ctx, "k", []byte("ours"), 0))
		}, anew, "theirs"},
		"delete": {zktest.OpDelete, true, func(ctx context.Context, s *config.Store) error { return s.Delete(ctx, "k", 0) }, anew, "theirs"},
		"create": {zktest.OpCreate, false, func(ctx context.Context, s *config.Store) error {
			return testworld.ErrOf(s.Create(ctx, "k", []byte("ours")))
		}, gone, ""},
		"put": {zktest.OpCreate, false, func(ctx context.Context, s *config.Store) error {
			return testworld.ErrOf(s.Put(ctx, "k", []byte("ours")))
		}, gone, ""},
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				w.Put("/config/other", "")
				if c.there {
					w.Put("/config/k", "old")
				}
				p.Meddle(testworld.Is(c.op, "/config/k"), func() { c.meddle(w) })
				err := c.write(w.Context(), config.NewStore(p.Manager, "/config"))
				require.ErrorIs(t, err, session.ErrUnknownOutcome)
				require.NoError(t, p.Sync(w.Context(), "/"))
				node, found := w.Srv.Node("/config/k")
				require.Equal(t, c.left != "", found)
				require.Equal(t, c.left, string(node.Data))
			})
		})
	}
}

// An Update has made the key, its answer is lost, and others delete the key: it
// is not made again.
func TestFault04_UpdateDoesNotMakeADeletedKeyAgain(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Put("/config/other", "")
		v, err := config.Open(w.Context(), p.Manager, "/config/k", config.JSON[int](), config.Default(0))
		require.NoError(t, err)
		defer v.Close()
		p.Meddle(testworld.Is(zktest.OpCreate, "/config/k"), func() { w.Remove("/config/k") })
		_, err = v.Update(w.Within(time.Minute), func(n int) (int, error) { return n + 1, nil })
		require.ErrorIs(t, err, session.ErrUnknownOutcome)
		_, found := w.Srv.Node("/config/k")
		require.False(t, found)
	})
}

// A History has made the key, its answer is lost, and others delete the key:
// the record tells that the write was done.
func TestFault04_HistoryDoesNotMakeADeletedKeyAgain(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		h := config.NewStore(p.Manager, "/config").History(2)
		_, err := h.Put(w.Context(), "other", nil)
		require.NoError(t, err)
		w.Put("/config/.history/k", "")
		p.Meddle(testworld.Is(zktest.OpMulti, ""), func() { w.Remove("/config/k") })
		_, err = h.Put(w.Within(time.Minute), "k", []byte("ours"))
		require.NoError(t, err, "it was done")
		_, found := w.Srv.Node("/config/k")
		require.False(t, found)
	})
}

func TestFault09_ConfigOnAThrottledServer(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Throttle()
		ctx := w.Within(time.Hour)
		s := config.NewStore(p.Manager, "/config")
		require.NoError(t, testworld.ErrOf(s.Create(ctx, "k", []byte("1"))))
		_, err := s.Set(ctx, "k", []byte("2"), 0)
		require.NoError(t, err)
		v, err := config.Open(ctx, p.Manager, "/config/k", config.JSON[int]())
		require.NoError(t, err)
		defer v.Close()
		snap, err := v.Update(ctx, func(n int) (int, error) { return n + 1, nil })
		require.NoError(t, err)
		require.Equal(t, 3, snap.Value)
		require.NoError(t, s.Publish(ctx, config.SetKey("k", []byte("4"), 2), config.CreateKey("l", nil)))
		_, err = s.History(3).Set(ctx, "k", []byte("5"), session.AnyVersion)
		require.NoError(t, err)
		require.NoError(t, s.Delete(ctx, "k", session.AnyVersion))
	})
}
