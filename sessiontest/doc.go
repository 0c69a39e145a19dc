// Package sessiontest is for tests of programs that use Docent. It opens
// sessions on an embedded server, in virtual time:
//
//	func TestTheExportStopsWhenItIsCutOff(t *testing.T) {
//		sessiontest.Run(t, func(w *sessiontest.World) {
//			p := w.Process()
//			export := w.Go(func(ctx context.Context) error { return Export(ctx, p.Manager) })
//			time.Sleep(time.Hour) // it takes no time
//			p.Link.Cut(zktest.ToServer)
//			if err := export.Wait(); !errors.Is(err, session.ErrTrustElapsed) {
//				w.Errorf("the export has returned %v", err)
//			}
//		})
//	}
//
// A World is a server of package zktest in a bubble of testing/synctest. Time
// advances there only while all goroutines wait. So a session expires at the
// exact nanosecond, and a test of an hour takes milliseconds. A goroutine that
// remains at the end fails the test. What else can go wrong on a server or on
// the network is in package zktest.
//
// # The outer test
//
// Within Run, use the World in place of the outer *testing.T: a World is the
// *testing.T of the bubble. Take contexts from World.Context. The context of the
// outer test belongs to no bubble. If a goroutine of the bubble waits for it, the
// Go runtime ends the test binary: "fatal error: close of synctest channel from
// outside bubble".
//
// # The race detector
//
// Run tests with the race detector on one processor: go test -race -cpu 1. The
// race detector of Go 1.26 ends the process now and then if two processors run
// timers of one bubble: see https://go.dev/issue/78156.
package sessiontest
