package yourtest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/examples/yourtest"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/sessiontest"
	"github.com/docent-go/docent/zktest"
)

// A leaked goroutine makes the tests fail.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// slowSink takes a second for a row, refuses old tokens, and records the
// exported rows.
type slowSink struct {
	mu       sync.Mutex
	token    int64 // the greatest token seen
	writing  int
	overlaps int // how often a write began during another one
	rows     []string
}

var errStale = errors.New("the token is stale")

func (s *slowSink) Write(ctx context.Context, token int64, row string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = max(s.token, token)
	if s.writing > 0 {
		s.overlaps++
	}
	s.writing++
	defer func() { s.writing-- }()

	s.mu.Unlock()
	var err error
	select {
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-time.After(time.Second): // virtual: it takes no time
	}
	s.mu.Lock()
	if err != nil {
		return err
	}
	if token < s.token {
		return errStale
	}
	s.rows = append(s.rows, row)
	return nil
}

// exported returns the exported rows. It requires that no write began during
// another one.
func (s *slowSink) exported(t *testing.T) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Zero(t, s.overlaps, "no two writes overlap")
	return strings.Join(s.rows, " ")
}

// export starts an Export of n rows, "NAME1" and so on. It returns when the
// export holds the lock, or waits for it.
func export(w *sessiontest.World, p *sessiontest.Process, sink *slowSink, name string, n int) *sessiontest.Call {
	var rows []string
	for i := range n {
		rows = append(rows, fmt.Sprint(name, i+1))
	}
	return w.Go(func(ctx context.Context) error { return yourtest.Export(ctx, p.Manager, sink, rows...) })
}

func TestOneExportsAfterTheOther(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		sink := new(slowSink)
		a, b := w.Process(), w.Process()
		exportA, exportB := export(w, a, sink, "a", 3), export(w, b, sink, "b", 2)
		require.NoError(t, exportA.Wait())
		require.NoError(t, exportB.Wait())
		require.Equal(t, "a1 a2 a3 b1 b2", sink.exported(t))
	})
}

// In virtual time an hour takes no time. Pings keep the session alive
// meanwhile.
func TestALongExportKeepsItsLock(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		sink := new(slowSink)
		a, b := w.Process(), w.Process()
		began := time.Now()
		exportA, exportB := export(w, a, sink, "a", 3600), export(w, b, sink, "b", 1)
		require.NoError(t, exportA.Wait())
		require.Equal(t, time.Hour, time.Since(began))
		require.NoError(t, exportB.Wait())
	})
}

// The session is expired from outside, before its time, as if an operator had
// closed it. No client can stop before it learns of that, and this one learns
// of it late. The sink refuses what it writes meanwhile: its token is stale.
func TestAnExpiredSessionStopsTheExport(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		sink := new(slowSink)
		a, b := w.Process(), w.Process()
		exportA, exportB := export(w, a, sink, "a", 10), export(w, b, sink, "b", 2)
		time.Sleep(2500 * time.Millisecond)

		a.Link.Delay(500 * time.Millisecond)
		a.Expire()
		require.ErrorIs(t, exportA.Wait(), errStale)
		require.NoError(t, exportB.Wait())
		require.Equal(t, []string{"a1", "a2", "b1", "b2"}, sink.rows)
	})
}

// Requests are lost, while answers would still arrive. So the export cannot be
// told that its lock is gone. It stops by itself, before the next export
// begins.
func TestACutLinkStopsTheExport(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		sink := new(slowSink)
		a, b := w.Process(), w.Process()
		exportA, exportB := export(w, a, sink, "a", 60), export(w, b, sink, "b", 1)
		time.Sleep(2500 * time.Millisecond)

		a.Link.Cut(zktest.ToServer)
		cut := time.Now()
		require.ErrorIs(t, exportA.Wait(), session.ErrTrustElapsed)
		require.Less(t, time.Since(cut), 10*time.Second, "the export stops before the session can expire")
		stopped := sink.exported(t)
		require.NoError(t, exportB.Wait())
		require.Equal(t, stopped+" b1", sink.exported(t))
	})
}

// An outage is shorter than the session timeout: the export does not notice.
func TestABlipDoesNotStopTheExport(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		sink := new(slowSink)
		a := w.Process()
		running := export(w, a, sink, "a", 30)
		for range 5 {
			time.Sleep(3 * time.Second)
			a.Link.Disconnect()
		}
		require.NoError(t, running.Wait())
	})
}

// The server makes the lock's node, and its answer is lost. The export finds
// its own node, does not wait for it, and leaves no node behind.
func TestALostAnswerLeavesNothingBehind(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		sink := new(slowSink)
		a, b := w.Process(), w.Process()
		lost := 0
		remove := w.Server.Intercept(func(r zktest.Request) zktest.Action {
			create := r.Op == zktest.OpCreate || r.Op == zktest.OpCreate2
			if create && strings.HasPrefix(r.Path, "/locks/export/") && lost == 0 {
				lost++
				return zktest.LoseReply
			}
			return zktest.Pass
		})
		defer remove()
		require.NoError(t, export(w, a, sink, "a", 1).Wait())
		require.Equal(t, 1, lost, "one answer is lost")
		require.NoError(t, export(w, b, sink, "b", 1).Wait())
		require.Equal(t, "a1 b1", sink.exported(t))
		dir, _ := w.Server.Node("/locks/export")
		require.Empty(t, dir.Children)
	})
}

// The cost of an export, in requests.
func TestWhatAnExportCosts(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		sink := new(slowSink)
		a := w.Process()
		require.NoError(t, export(w, a, sink, "a", 0).Wait()) // makes the lock's directory
		w.Server.ResetCounts()
		require.NoError(t, export(w, a, sink, "a", 0).Wait())
		require.Equal(t, 1, w.Server.Count(zktest.OpCreate)+w.Server.Count(zktest.OpCreate2))
		require.Equal(t, 1, w.Server.Count(zktest.OpDelete))
	})
}
