package views

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

func value(zxid int64) *sighting {
	return &sighting{exists: true, stat: core.Stat{Czxid: 1, Mzxid: zxid}}
}

func TestJudge(t *testing.T) {
	one, two := new(core.Session), new(core.Session)
	gone := new(sighting)
	other := value(5)
	other.stat.Mtime = 77
	tests := []struct {
		name   string
		before []*sighting // believed in session one
		in     *core.Session
		seen   *sighting
		synced bool
		want   verdict
	}{
		{"first value", nil, one, value(5), false, newer},
		{"first absence", nil, one, gone, false, newer},
		{"the same value", []*sighting{value(5)}, one, value(5), false, same},
		{"the same value in a new session", []*sighting{value(5)}, two, value(5), false, same},
		{"a later value", []*sighting{value(5)}, one, value(6), false, newer},
		{"a later value in a new session", []*sighting{value(5)}, two, value(6), false, newer},
		{"an older value", []*sighting{value(5)}, two, value(4), false, doubtful},
		{"an older value in the same session", []*sighting{value(5)}, one, value(4), false, doubtful},
		{"an older value after a sync", []*sighting{value(5)}, two, value(4), true, doubtful},
		{"another value of the same transaction", []*sighting{value(5)}, two, other, false, newer},
		{"deleted", []*sighting{value(5)}, one, gone, false, newer},
		{"missing in a new session", []*sighting{value(5)}, two, gone, false, doubtful},
		{"missing in a new session after a sync", []*sighting{value(5)}, two, gone, true, newer},
		{"still missing", []*sighting{value(5), gone}, two, gone, false, same},
		{"made again", []*sighting{value(5), gone}, one, value(9), false, newer},
		{"made again, seen by a new session", []*sighting{value(5), gone}, two, value(9), false, newer},
		{"the deleted value again", []*sighting{value(5), gone}, two, value(5), false, doubtful},
		{"an older value than the deleted one", []*sighting{value(5), gone}, two, value(3), true, doubtful},
		{"after the absence, in the same session", []*sighting{value(5), gone}, one, value(3), false, newer},
		{"never there, then made", []*sighting{gone}, two, value(1), false, newer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var p past
			for _, s := range tt.before {
				p.believe(Data, one, s)
			}
			require.Equal(t, tt.want, p.judge(Data, tt.in, tt.seen, tt.synced))
		})
	}
}

// Versions wrap to negative numbers, and older servers count through -1.
func TestHardCase57_VersionsOrderNothing(t *testing.T) {
	s := new(core.Session)
	var p past
	for zxid, version := range []int32{0, 7, math.MaxInt32, math.MinInt32, -2, -1, 0, 3} {
		seen := value(int64(zxid + 1))
		seen.stat.Version = version
		require.Equal(t, newer, p.judge(Data, s, seen, false), "version %d", version)
		p.believe(Data, s, seen)
	}
}

// apart returns a view without a running loop. The test drives it through
// sessions.
func (w *world) apart(kind Kind) *Node {
	m := &Node{path: "/a", kind: kind}
	m.init(w.sm)
	m.cancel(nil)
	m.ctx = w.Context()
	return m
}

func (w *world) settle(m *Node, s *core.Session) {
	w.Helper()
	_, err := m.settle(s, false)
	require.NoError(w, err)
}

func TestHardCase57_NewSessionOnALaggingServer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "old")
		lagging := w.process().Current()
		w.Srv.Lag(lagging.ID())
		w.Put("/a", "new")
		m := w.apart(Data)
		w.settle(m, w.p.Current())
		require.Equal(t, "new", show(m.Load()))
		w.settle(m, lagging)
		require.Equal(t, "new", show(m.Load()))
		require.EqualValues(t, 1, m.Load().Rev, "the older value was never shown")
		require.Equal(t, 1, w.Srv.Count(zktest.OpSync))
	})
}

func TestHardCase57_MissingOnALaggingServer(t *testing.T) {
	for _, kind := range []Kind{Data, Children} {
		inWorld(t, func(t *testing.T, w *world) {
			lagging := w.process().Current()
			w.Srv.Lag(lagging.ID())
			w.Put("/a", "there")
			m := w.apart(kind)
			w.settle(m, w.p.Current())
			w.settle(m, lagging)
			require.True(t, m.Load().Exists, "the node was only missing on that server")
			require.EqualValues(t, 1, m.Load().Rev)
		})
	}
}

func TestHardCase57_DeletedValueOnALaggingServer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "deleted")
		lagging := w.process().Current()
		w.Srv.Lag(lagging.ID())
		m := w.apart(Data)
		w.settle(m, w.p.Current())
		w.Remove("/a")
		w.settle(m, w.p.Current())
		require.Equal(t, "-", show(m.Load()))
		w.settle(m, lagging)
		require.Equal(t, "-", show(m.Load()))
		require.EqualValues(t, 2, m.Load().Rev, "the deleted value was never shown again")
	})
}

func TestDeletedBetweenSessions(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "one")
		next := w.process().Current()
		m := w.apart(Data)
		w.settle(m, w.p.Current())
		w.Remove("/a")
		w.settle(m, next)
		require.Equal(t, "-", show(m.Load()))
		require.Equal(t, 1, w.Srv.Count(zktest.OpSync), "believed once the server had caught up")
	})
}

// The servers lose their data: sessions, nodes and the zxid.
func TestWipe(t *testing.T) {
	t.Run("and nothing after it", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			w.Put("/a", "one")
			m := w.open(Config{Path: "/a"})
			w.Srv.Wipe()
			w.await(m, shows("-"))
			w.Put("/a", "again")
			require.Equal(t, "again", w.settled(m))
		})
	})
	t.Run("with an older value after it", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			for _, data := range []string{"1", "2", "3", "4", "5", "6", "7", "8"} {
				w.Put("/a", data)
			}
			m := w.open(Config{Path: "/a"})
			last := m.Load().Stat.Mzxid
			w.Srv.Wipe()
			w.Put("/a", "restored")
			require.Less(t, w.Srv.Zxid(), last)
			refused := w.await(m, func(s *State) bool { return s.Err != nil })
			require.ErrorIs(t, refused.Err, ErrHistory)
			require.Equal(t, "8", show(refused))
			require.True(t, m.Stale())
			start := time.Now()
			w.await(m, shows("restored"))
			require.GreaterOrEqual(t, time.Since(start), timeout)
			require.LessOrEqual(t, time.Since(start), timeout+2*pauses.Max)
			synctest.Wait()
			require.False(t, m.Stale())
			w.Put("/a", "goes on")
			require.Equal(t, "goes on", w.settled(m))
		})
	})
}
