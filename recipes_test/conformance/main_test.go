package conformance

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/zktest"
)

// Session timeouts a server may grant with a tick of two seconds: four to forty. Nothing in the suite lasts long enough to
// lose a session.
const (
	tick           = 2 * time.Second
	sessionTimeout = 30 * time.Second
	never          = 24 * time.Hour
)

// defaultChecks is how many random programs run unless -rapid.checks says otherwise.
const defaultChecks = "200"

func TestMain(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "rapid.checks" })
	if !chosen {
		if err := flag.Set("rapid.checks", defaultChecks); err != nil {
			_, _ = os.Stderr.WriteString(err.Error() + "\n") // nowhere else to report to
			os.Exit(2)
		}
	}
	ensemble.Main(m)
}

// realSide starts a real standalone server.
func realSide(t *testing.T) *side {
	t.Helper()
	e := ensemble.Start(t, 1, ensemble.TickTime(tick),
		// A line for every session and every hostile frame would be all that a failing test shows.
		ensemble.JVM("-Dorg.slf4j.simpleLogger.defaultLogLevel=error"),
		// Emptied containers would vanish in the middle of a program, and never on both sides at once.
		ensemble.JVM(fmt.Sprintf("-Dznode.container.checkIntervalMs=%d", never.Milliseconds())))
	return &side{name: "ZooKeeper", addr: e.Server(0).Addr(), dial: dialTCP}
}

// embeddedSides starts zktest and returns its two ways in: over loopback, like the real one, and within the process.
func embeddedSides(t *testing.T) (loopback, inMemory *side) {
	t.Helper()
	srv := zktest.New(t, zktest.WithTick(tick), zktest.WithContainerInterval(never))
	addr, err := srv.Listen("127.0.0.1:0")
	require.NoError(t, err)
	return &side{name: "zktest", addr: addr, dial: dialTCP}, &side{name: "zktest", addr: addr, dial: srv.Dial}
}

func TestConformance(t *testing.T) {
	reference := realSide(t)
	loopback, inMemory := embeddedSides(t)
	t.Run("frames", func(t *testing.T) { compareFrames(t, reference, loopback) })
	t.Run("programs", func(t *testing.T) {
		checkPrograms(t, reference, inMemory)
	})
}

// checkPrograms runs as many random programs as rapid is told to.
//
// It does so on one processor. Right after a handshake the client looks whether it has watches to set again, and reads the newest
// zxid for that while the answer to a first request may already be changing it: a data race of the client's that the race
// detector finds once in some thousand connections. A program takes one step after the other, so it loses nothing by waiting
// until the client's goroutine is through.
func checkPrograms(t *testing.T, reference, embedded *side) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	rapid.Check(t, func(rt *rapid.T) { comparePrograms(rt, reference, embedded) })
}

// TestTheSuiteItself compares ZooKeeper with ZooKeeper: a difference found here is a mistake of the suite.
func TestTheSuiteItself(t *testing.T) {
	one, other := realSide(t), realSide(t)
	t.Run("frames", func(t *testing.T) { compareFrames(t, one, other) })
	t.Run("programs", func(t *testing.T) {
		chosen := flag.Lookup("rapid.checks").Value.String()
		require.NoError(t, flag.Set("rapid.checks", "20"))
		defer func() { require.NoError(t, flag.Set("rapid.checks", chosen)) }()
		checkPrograms(t, one, other)
	})
}
