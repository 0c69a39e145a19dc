package yourtest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/examples/yourtest"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// A leaked goroutine makes the tests fail.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// process opens a session over its own network path, as another process would.
// The session is closed with the test.
func process(t *testing.T, srv *zktest.Server) (*session.Manager, *zktest.Link) {
	t.Helper()
	link := srv.Link()
	sm, err := session.Dial(t.Context(), session.Config{
		Servers: []string{"zk1"}, // never looked up: the Dialer decides
		Dialer:  link.DialContext,
		Timeout: 10 * time.Second,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sm.Close()) })
	return sm, link
}

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

// export starts an Export of n rows, "NAME1" and so on. wait waits for its
// result.
func export(t *testing.T, sm *session.Manager, sink *slowSink, name string, n int) (wait func() error) {
	var rows []string
	for i := range n {
		rows = append(rows, fmt.Sprint(name, i+1))
	}
	result := make(chan error, 1)
	go func() { result <- yourtest.Export(t.Context(), sm, sink, rows...) }()
	synctest.Wait() // until the export holds the lock, or waits for it
	return func() error { return <-result }
}

// bubble runs a test in virtual time. The server has to be made inside the
// bubble.
func bubble(t *testing.T, f func(t *testing.T, srv *zktest.Server, sink *slowSink)) {
	synctest.Test(t, func(t *testing.T) { f(t, zktest.New(t), new(slowSink)) })
}

func TestOneExportsAfterTheOther(t *testing.T) {
	bubble(t, func(t *testing.T, srv *zktest.Server, sink *slowSink) {
		a, _ := process(t, srv)
		b, _ := process(t, srv)
		waitA, waitB := export(t, a, sink, "a", 3), export(t, b, sink, "b", 2)
		require.NoError(t, waitA())
		require.NoError(t, waitB())
		require.Equal(t, "a1 a2 a3 b1 b2", sink.exported(t))
	})
}

// In virtual time an hour takes no time. Pings keep the session alive
// meanwhile.
func TestALongExportKeepsItsLock(t *testing.T) {
	bubble(t, func(t *testing.T, srv *zktest.Server, sink *slowSink) {
		a, _ := process(t, srv)
		b, _ := process(t, srv)
		began := time.Now()
		waitA, waitB := export(t, a, sink, "a", 3600), export(t, b, sink, "b", 1)
		require.NoError(t, waitA())
		require.Equal(t, time.Hour, time.Since(began))
		require.NoError(t, waitB())
	})
}

// The session is expired from outside, before its time, as if an operator had
// closed it. No client can stop before it learns of that, and this one learns
// of it late. The sink refuses what it writes meanwhile: its token is stale.
func TestAnExpiredSessionStopsTheExport(t *testing.T) {
	bubble(t, func(t *testing.T, srv *zktest.Server, sink *slowSink) {
		a, link := process(t, srv)
		b, _ := process(t, srv)
		s, err := a.Session(t.Context())
		require.NoError(t, err)
		waitA, waitB := export(t, a, sink, "a", 10), export(t, b, sink, "b", 2)
		time.Sleep(2500 * time.Millisecond)

		link.Delay(500 * time.Millisecond)
		srv.Expire(int64(s.ID))
		require.ErrorIs(t, waitA(), errStale)
		require.NoError(t, waitB())
		require.Equal(t, []string{"a1", "a2", "b1", "b2"}, sink.rows)
	})
}

// Requests are lost, while answers would still arrive. So the export cannot be
// told that its lock is gone. It stops by itself, before the next export
// begins.
func TestACutLinkStopsTheExport(t *testing.T) {
	bubble(t, func(t *testing.T, srv *zktest.Server, sink *slowSink) {
		a, link := process(t, srv)
		b, _ := process(t, srv)
		waitA, waitB := export(t, a, sink, "a", 60), export(t, b, sink, "b", 1)
		time.Sleep(2500 * time.Millisecond)

		link.Cut(zktest.ToServer)
		cut := time.Now()
		require.ErrorIs(t, waitA(), session.ErrTrustElapsed)
		require.Less(t, time.Since(cut), 10*time.Second, "the export stops before the session can expire")
		stopped := sink.exported(t)
		require.NoError(t, waitB())
		require.Equal(t, stopped+" b1", sink.exported(t))
	})
}

// An outage is shorter than the session timeout: the export does not notice.
func TestABlipDoesNotStopTheExport(t *testing.T) {
	bubble(t, func(t *testing.T, srv *zktest.Server, sink *slowSink) {
		a, link := process(t, srv)
		wait := export(t, a, sink, "a", 30)
		for range 5 {
			time.Sleep(3 * time.Second)
			link.Disconnect()
		}
		require.NoError(t, wait())
	})
}

// The server makes the lock's node, and its answer is lost. The export finds
// its own node, does not wait for it, and leaves no node behind.
func TestALostAnswerLeavesNothingBehind(t *testing.T) {
	bubble(t, func(t *testing.T, srv *zktest.Server, sink *slowSink) {
		a, _ := process(t, srv)
		b, _ := process(t, srv)
		lost := 0
		remove := srv.Intercept(func(r zktest.Request) zktest.Action {
			create := r.Op == zktest.OpCreate || r.Op == zktest.OpCreate2
			if create && strings.HasPrefix(r.Path, "/locks/export/") && lost == 0 {
				lost++
				return zktest.LoseReply
			}
			return zktest.Pass
		})
		defer remove()
		require.NoError(t, export(t, a, sink, "a", 1)())
		require.Equal(t, 1, lost, "one answer is lost")
		require.NoError(t, export(t, b, sink, "b", 1)())
		require.Equal(t, "a1 b1", sink.exported(t))
		dir, _ := srv.Node("/locks/export")
		require.Empty(t, dir.Children)
	})
}

// The cost of an export, in requests.
func TestWhatAnExportCosts(t *testing.T) {
	bubble(t, func(t *testing.T, srv *zktest.Server, sink *slowSink) {
		a, _ := process(t, srv)
		require.NoError(t, export(t, a, sink, "a", 0)()) // makes the lock's directory
		srv.ResetCounts()
		require.NoError(t, export(t, a, sink, "a", 0)())
		require.Equal(t, 1, srv.Count(zktest.OpCreate)+srv.Count(zktest.OpCreate2))
		require.Equal(t, 1, srv.Count(zktest.OpDelete))
	})
}
