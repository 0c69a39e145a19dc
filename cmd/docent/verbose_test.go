//go:build unix

package main

import (
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// With --verbose docent logs what an operator can read about in the guide, and
// nothing of the libraries underneath.
func TestVerbose_isForOperators(t *testing.T) {
	guide, err := os.ReadFile("../../docs/observability.md")
	require.NoError(t, err)
	server := zktest.New(t)
	link := server.Link()
	i := start(t, words("-v lock /l", self()...), over(link), role("signals"), env("DOCENT_SERVERS=zk1"))
	require.Contains(t, i.line(), "ready")
	link.Disconnect()
	require.Eventually(t, func() bool { return strings.Count(i.stderr.String(), "state=connected") > 0 }, patience, ms)
	i.kill(syscall.SIGTERM)
	code, _ := i.wait()
	require.Equal(t, 7, code)
	logged := i.stderr.String()
	for _, says := range []string{"session opened", "state=suspended", "state=connected", "session ended"} {
		require.Contains(t, logged, says)
	}
	for line := range strings.Lines(logged) {
		message := regexp.MustCompile(`^time=\S+ level=[A-Z]+ msg="?([^"=]+?)"? (\w+=|$)`).FindStringSubmatch(strings.TrimSpace(line))
		require.NotNil(t, message, line)
		require.Contains(t, string(guide), "`"+message[1]+"`", line)
		require.NotContains(t, line, "from=client")
	}
}

// What is logged of another's text is shown, and the terminal does not obey it.
func TestVerbose_isVisible(t *testing.T) {
	var out strings.Builder
	log := newLogger(&environment{stderr: &out}, true)
	log.Info("session opened", "path", "/a\u3164\u202e\u2800\x1b[31m", "from", "elsewhere")
	log.With("from", "client").Info("a message of the client, by a logger of its own")
	log.Info("connected to 10.0.0.1:2181", "from", "client")
	text, ended := strings.CutSuffix(out.String(), "\n")
	require.True(t, ended)
	requireVisible(t, text)
}
