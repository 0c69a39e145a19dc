package sessiontest

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// patience is how long Eventually and Call.Wait wait, in virtual time, before
// they fail the test.
const patience = 24 * time.Hour

// World is a server and the processes that use it, in virtual time. It ends
// with its test. It is the *testing.T of the bubble: use its Context, and not
// the context of the test that called Run.
type World struct {
	*testing.T
	Server *zktest.Server
}

// Run runs f as a test in a bubble of its own. Options of the server may
// follow. The sessions and the server are closed when f has returned.
func Run(t *testing.T, f func(w *World), opts ...zktest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(&World{T: t, Server: zktest.New(t, opts...)}) })
}

// Process opens a session over a network path of its own, as another process
// would. A tweak may change the configuration, such as Timeout, Root or Hooks.
// The session logs nothing, unless a tweak sets a Logger. The test fails if the
// session cannot be opened.
func (w *World) Process(tweaks ...func(*session.Config)) *Process {
	w.Helper()
	link := w.Server.Link()
	cfg := session.Config{
		Servers: []string{"zk1"}, // never looked up: the Dialer decides
		Dialer:  link.DialContext,
		Logger:  slog.New(slog.DiscardHandler),
	}
	for _, tweak := range tweaks {
		tweak(&cfg)
	}
	sm, err := session.Dial(w.Context(), cfg)
	if err != nil {
		w.Fatalf("sessiontest: %v", err)
	}
	w.Cleanup(func() {
		if err := sm.Close(); err != nil {
			w.Errorf("sessiontest: close the session: %v", err)
		}
	})
	return &Process{Manager: sm, Link: link, world: w}
}

// Eventually waits, in virtual time, until ok returns true. It calls ok while
// all other goroutines wait. What ok reads needs its mutex all the same: the
// race detector does not order a read by ok before a later write. The test fails
// after a day, with the text that what and args make.
func (w *World) Eventually(ok func() bool, what string, args ...any) {
	w.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		synctest.Wait()
		if ok() {
			return
		}
	}
	w.Fatalf("did not happen: "+what, args...)
}
