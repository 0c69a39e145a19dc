//go:build unix

package main

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// secret is a password that nothing may show, in any form.
const secret = "Xyzzy-Plugh-4711"

var withSecret = env("DOCENT_AUTH=digest:ann:" + secret)

// shows reports whether the text has the secret in it, as it is or encoded.
func shows(text string) bool {
	both := "ann:" + secret
	for _, form := range []string{
		secret, base64.StdEncoding.EncodeToString([]byte(both)), base64.StdEncoding.EncodeToString([]byte(secret)),
		hex.EncodeToString([]byte(secret)), strings.Trim(fmt.Sprint([]byte(secret)), "[]"),
	} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
			return true
		}
	}
	return false
}

// silentCommands have every command that talks to ZooKeeper do something that
// fails or ends at once where nothing stands. "CMD" is a command to run.
var silentCommands = []string{
	"lock /s/l --try CMD", "lock /s/x --mode one-node --try CMD", "lock /s/rw --mode read --try CMD", "lock /s/s --permits 2 --try CMD",
	"elect /s/e --once CMD", "leader /s/e", "leader /s/e --transfer nobody",
	"config get /s/missing", "config set /s/missing x", "config delete /s/missing", "config list /s/missing", "config history /s/missing",
	"config export /s/missing", "config import /s/missing testdata/limits.json", "config diff /s/missing --with /s/x", "exec /s/missing CMD",
	"config rollback /s/missing 7", "group list /s/g", "queue put /s/q x", "queue len /s/q", "queue list /s/q", "queue dead list /s/q",
	"barrier set /s/b", "barrier lift /s/b", "counter get /s/c", "counter add /s/c 1", "service list web", "service pick web",
}

func withCommand(line string) []string {
	if line, found := strings.CutSuffix(line, " CMD"); found {
		return words(line, self("0")...)
	}
	return words(line)
}

// The password shows in no output, whatever goes wrong and with -v.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	refusing, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, refusing.Close())
	failing := func(op zktest.Op, code zktest.Code) *zktest.Server {
		server := zktest.New(t)
		server.Intercept(func(r zktest.Request) zktest.Action {
			if op == 0 && r.Op != zktest.OpAuth && r.Op != zktest.OpPing || r.Op == op {
				return zktest.Fail(code)
			}
			return zktest.Pass
		})
		return server
	}
	hanging := zktest.New(t)
	hanging.HangHandshakes(true)
	for name, where := range map[string]setting{
		"works":       on(zktest.New(t)),
		"hangs":       on(hanging),
		"refused":     on(failing(zktest.OpAuth, zktest.CodeAuthFailed)),
		"no right":    on(failing(0, zktest.CodeNoAuth)),
		"invalid ACL": on(failing(0, zktest.CodeInvalidACL)),
		"broken":      on(failing(0, zktest.CodeSystemError)),
		"unreachable": env("DOCENT_SERVERS=" + refusing.Addr().String()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, line := range silentCommands {
				args := append(words("-v --acl creator --connect-timeout 50ms"), withCommand(line)...)
				_, out, stderr := docent(t, args, where, withSecret, role("exit"))
				require.NotEmpty(t, out+stderr, "%s: nothing was looked at", line)
				require.False(t, shows(out+stderr), "%s:\n%s%s", line, out, stderr)
			}
		})
	}
	for _, line := range []string{
		"--auth digest:ann:" + secret + " --acl nobody leader /e", "--auth digest:" + secret + " leader /e", "--auth " + secret + " leader /e",
		"--auth sasl:ann:" + secret + " leader /e", "--auth=digest:ann:" + secret + " --timeout 1ms leader /e", "--ahut digest:ann:" + secret + " leader /e",
		"--auth digest:ann:" + secret + " lokc /l", "--auth digest:ann:" + secret + " lock", "--auth digest:ann:" + secret, "--auth digest:ann:" + secret + " --help",
		"--auth digest:ann:" + secret + " leader /e --bad", "--auth digest:ann:" + secret + " leader e", "--auth digest:ann:" + secret + " --servers x:y leader /e",
		"--auth digest:ann:" + secret + " --tls-ca /nowhere leader /e",
	} {
		_, out, stderr := docent(t, words("-v "+line))
		require.NotEmpty(t, out+stderr, line)
		require.False(t, shows(out+stderr), "%s:\n%s%s", line, out, stderr)
	}
}

// Nor does it when sessions are lost, and found again, while CMD runs.
func TestSecretsStaySecret_whenSessionsEnd(t *testing.T) {
	server := zktest.New(t)
	args := words("-v --acl creator lock /l", self()...)
	i := start(t, args, on(server), withSecret, role("signals"))
	require.Contains(t, i.line(), "ready")
	server.Disconnect(only(t, server))
	server.Expire(only(t, server))
	code, rest := i.wait()
	require.Equal(t, 79, code, i.stderr)
	require.Contains(t, i.stderr.String(), "session")
	require.False(t, shows(strings.Join(rest, "\n")+i.stderr.String()), i.stderr)

	// Another server: a session that docent was about to open when it ended may
	// be opened all the same, and stand on this one until it expires.
	server = zktest.New(t)
	elect := start(t, words("-v --acl creator elect /e", self()...), on(server), withSecret, role("signals"))
	require.Contains(t, elect.line(), "ready")
	server.Expire(only(t, server))
	for !strings.HasPrefix(elect.line(), "ready") { // until it leads again
	}
	elect.kill(syscall.SIGTERM)
	elect.wait()
	require.False(t, shows(elect.stderr.String()), elect.stderr)
}
