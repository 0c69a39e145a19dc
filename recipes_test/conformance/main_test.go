package conformance

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/zktest"
)

// The session timeouts that a server may grant with a tick of two seconds: four
// to forty. No test lasts long enough to lose a session.
const (
	tick           = 2 * time.Second
	sessionTimeout = 30 * time.Second
	never          = 24 * time.Hour
)

// defaultChecks is the number of random programs without -rapid.checks.
const defaultChecks = "200"

func TestMain(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "rapid.checks" })
	if !chosen {
		if err := flag.Set("rapid.checks", defaultChecks); err != nil {
			_, _ = os.Stderr.WriteString(err.Error() + "\n") // no test is there to report to
			os.Exit(2)
		}
	}
	ensemble.Main(m)
}

// realSide starts a real standalone server.
func realSide(t *testing.T) *side {
	t.Helper()
	e := ensemble.Start(t, 1, ensemble.TickTime(tick),
		// ZooKeeper's default, which zktest has too: 20 ticks.
		ensemble.Config("maxSessionTimeout", fmt.Sprint((20*tick).Milliseconds())),
		// Otherwise a failing test would show little but a line for each
		// session and each hostile frame.
		ensemble.JVM("-Dorg.slf4j.simpleLogger.defaultLogLevel=error"),
		// Otherwise emptied containers would be deleted in the middle of a
		// program, and never on both sides at once.
		ensemble.JVM(fmt.Sprintf("-Dznode.container.checkIntervalMs=%d", never.Milliseconds())))
	return &side{name: "ZooKeeper", addr: e.Server(0).Addr(), dial: dialTCP, release: releaseOf(t, e.Server(0))}
}

// versionLine is the first line of the answer to srvr.
var versionLine = regexp.MustCompile(`^Zookeeper version: (\d+\.\d+)\.`)

// releaseOf returns the version that the embedded server has to play.
func releaseOf(t *testing.T, server *ensemble.Server) zktest.Release {
	t.Helper()
	answer, err := server.Word("srvr")
	require.NoError(t, err)
	found := versionLine.FindStringSubmatch(answer)
	require.NotNil(t, found, answer)
	return zktest.Release(found[1])
}

// embeddedSides starts zktest and returns both ways into it: over loopback,
// like the real server, and within the process.
func embeddedSides(t *testing.T, release zktest.Release) (loopback, inMemory *side) {
	t.Helper()
	srv := zktest.New(t, zktest.Version(release), zktest.Tick(tick), zktest.ContainerInterval(never))
	addr, err := srv.Listen("127.0.0.1:0")
	require.NoError(t, err)
	return &side{name: "zktest", addr: addr, dial: dialTCP}, &side{name: "zktest", addr: addr, dial: srv.Dial}
}

func TestConformance(t *testing.T) {
	reference := realSide(t)
	loopback, inMemory := embeddedSides(t, reference.release)
	t.Run("frames", func(t *testing.T) { compareFrames(t, reference, loopback) })
	t.Run("programs", func(t *testing.T) {
		checkPrograms(t, reference, inMemory)
	})
}

// checkPrograms runs as many random programs as rapid is configured for.
//
// It uses one processor, because of a data race in the client. Right after a
// handshake the client checks for watches to set again. For that it reads the
// newest zxid, which the answer to a first request may be changing. The race
// detector finds it once in some thousand connections. A program runs one step
// after the other, so it loses nothing by waiting for the client's goroutine.
func checkPrograms(t *testing.T, reference, embedded *side) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	rapid.Check(t, func(rt *rapid.T) { comparePrograms(rt, reference, embedded) })
}

// TestTheSuiteItself compares ZooKeeper with ZooKeeper: a difference found here
// is a mistake of the suite.
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
