//go:build unix

package main

import (
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

func execServer(t *testing.T, more ...string) *zktest.Server {
	t.Helper()
	server := zktest.New(t)
	for _, entry := range append([]string{"db/host=h1", "db/max-size=10", "empty="}, more...) {
		key, value, _ := strings.Cut(entry, "=")
		require.NoError(t, server.Put("/c/"+key, []byte(value)))
	}
	return server
}

func TestExec(t *testing.T) {
	server := execServer(t)
	i := start(t, words("exec /c --debounce 0s", self()...), on(server), role("vars"))
	require.Equal(t, "h1 10  /c", i.line())
	require.NoError(t, server.Put("/c/db/host", []byte("h2")))
	require.Equal(t, "terminated", i.line())
	require.Equal(t, "h2 10  /c", i.line())
	require.Equal(t, "docent: exec /c: the keys have changed: CMD was stopped (code 7), and is started again\n", i.stderr.String())
	require.NoError(t, server.Remove("/c/empty"))
	require.Equal(t, "terminated", i.line())
	require.Equal(t, "h2 10 unset /c", i.line())

	// What makes no environment leaves CMD as it is.
	said := i.stderr.String()
	require.NoError(t, server.Put("/c/db-host", []byte("h3")))
	require.Eventually(t, func() bool { return i.stderr.String() != said }, patience, ms)
	require.Equal(t, "docent: exec /c: the key db/host cannot be a variable: it has the same variable as the key db-host, DB_HOST; "+
		"rename it, give --prefix, or leave it out with --skip-invalid; CMD keeps its variables\n", strings.TrimPrefix(i.stderr.String(), said))
	server.Restart()
	require.NoError(t, server.Remove("/c/db-host"))
	require.NoError(t, server.Put("/c/db/host", []byte("h4")))
	require.Equal(t, "terminated", i.line())
	require.Equal(t, "h4 10 unset /c", i.line())
	i.kill(syscall.SIGTERM)
	code, rest := i.wait()
	require.Equal(t, 7, code, "CMD's own")
	require.Equal(t, []string{"terminated"}, rest)
}

func TestExec_onChange(t *testing.T) {
	server := execServer(t)
	i := start(t, words("exec /c --debounce 0s --on-change exit", self()...), on(server), role("vars"))
	require.Equal(t, "h1 10  /c", i.line())
	require.NoError(t, server.Put("/c/db/host", []byte("h2")))
	code, rest := i.wait()
	require.Equal(t, 7, code)
	require.Equal(t, []string{"terminated"}, rest)

	i = start(t, words("exec /c --debounce 0s --on-change signal", self()...), on(server), role("vars"))
	require.Equal(t, "h2 10  /c", i.line())
	require.NoError(t, server.Put("/c/db/host", []byte("h3")))
	require.Equal(t, "hangup", i.line())
	require.Equal(t, 7, i.stop())

	i = start(t, words("exec /c --debounce 0s --on-change ignore", self()...), on(server), role("vars"))
	require.Equal(t, "h3 10  /c", i.line())
	require.NoError(t, server.Put("/c/db/host", []byte("h4")))
	require.Equal(t, 7, i.stop())
	require.Empty(t, i.stderr.String())

	// A stubborn CMD is killed.
	i = start(t, append(words("exec /c --debounce 0s --grace 0s"), self()...), on(server), role("stubborn"))
	require.Contains(t, i.line(), "ready")
	require.NoError(t, server.Put("/c/db/host", []byte("h5")))
	require.Contains(t, i.line(), "ready")
	require.Contains(t, i.stderr.String(), "CMD was stopped (code 137)")
	i.kill(syscall.SIGTERM) // which CMD ignores
	require.NoError(t, server.Put("/c/db/host", []byte("h6")))
	code, _ = i.wait()
	require.Equal(t, 137, code, "it is not started again")
}

// A key does not choose the programs that run, and does not replace what the
// user has set.
func TestExec_names(t *testing.T) {
	for key, text := range map[string]string{
		"path": "the variable PATH changes how programs are found", "ld/preload": "LD_PRELOAD", "docent.servers": "DOCENT_SERVERS",
		"a b": "its name has other characters", "1x": "begins with a digit", "ü": "other characters", "a=b": "other characters",
		"DB/HOST": "the same variable as the key",
	} {
		server := execServer(t)
		require.NoError(t, server.Put("/c/"+key, []byte("x")))
		code, out, stderr := docent(t, words("exec /c", self()...), on(server), role("vars"))
		require.Equal(t, 1, code, key)
		require.Empty(t, out)
		require.Contains(t, stderr, text)
		require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)

		code, out, stderr = docent(t, words("exec /c --skip-invalid -- sh -c", `echo "$PATH"`), on(server), env("PATH=/bin:/usr/bin"))
		require.Zero(t, code)
		require.Equal(t, "/bin:/usr/bin\n", out)
		require.Contains(t, stderr, "is left out: ")
	}
	server := execServer(t, "path=x", "1=y")
	code, out, stderr := docent(t, words("exec /c --prefix APP_ -- sh -c", `echo "$APP_PATH$APP_1$APP_DB_HOST"`), on(server), env("APP_DB_HOST=mine"))
	require.Zero(t, code, stderr)
	require.Equal(t, "xymine\n", out)
	require.Equal(t, "docent: exec /c: the key db/host is left out: docent itself was given APP_DB_HOST\n", stderr)

	server = execServer(t, "zero=a\x00b")
	_, _, stderr = docent(t, words("exec /c -- true"), on(server))
	require.Contains(t, stderr, "the key zero cannot be a variable: its value has a zero byte")
	server = execServer(t, "big="+strings.Repeat("x", maxVariable))
	_, _, stderr = docent(t, words("exec /c -- true"), on(server))
	require.Contains(t, stderr, "its value has 131071 bytes, and a variable at most 131066")
	server = execServer(t, "big="+strings.Repeat("x", maxVariable-5))
	code, out, stderr = docent(t, words("exec /c -- sh -c", `echo "${#BIG}"`), on(server))
	require.Zero(t, code, stderr)
	require.Equal(t, "131066\n", out)
}

func TestExec_errors(t *testing.T) {
	server := execServer(t)
	for line, want := range map[string]struct {
		code int
		text string
	}{
		"exec /c -- sh -c exit":          {0, ""},
		"exec /missing -- true":          {1, "exec /missing: there is no such znode; check the path, and the root in --servers"},
		"exec /c -- no-such-command":     {127, "was not found"},
		"exec /c --signal KILL -- true":  {2, `--signal "KILL" is unknown; use TERM, HUP, INT, QUIT, USR1 or USR2`},
		"exec /c --prefix 1A -- true":    {2, `--prefix "1A" cannot begin the name of a variable`},
		"exec /c --debounce=-1s -- true": {2, "--debounce -1s is negative"},
		"exec c -- true":                 {2, "invalid path"},
	} {
		code, _, stderr := docent(t, words(line), on(server))
		require.Equal(t, want.code, code, "%s: %s", line, stderr)
		require.Contains(t, stderr, want.text)
	}
	server.Intercept(func(r zktest.Request) zktest.Action {
		if r.Path == "/c/db/host" {
			return zktest.Fail(zktest.CodeNoAuth)
		}
		return zktest.Pass
	})
	code, _, stderr := docent(t, words("exec /c -- true"), on(server))
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "the ACL denies access")
}

// CMD runs on while PATH is gone.
func TestExec_treeIsDeleted(t *testing.T) {
	server := zktest.New(t)
	require.NoError(t, server.Put("/c/db/host", []byte("h1")))
	require.NoError(t, server.Put("/c/db/max-size", []byte("10")))
	i := start(t, words("exec /c --debounce 10ms", self()...), on(server), role("vars"))
	require.Equal(t, "h1 10 unset /c", i.line())
	for _, path := range []string{"/c/db/max-size", "/c/db/host", "/c/db", "/c"} {
		require.NoError(t, server.Remove(path))
	}
	require.Eventually(t, func() bool {
		return strings.Contains(i.stderr.String(), "there is no such znode; CMD keeps its variables")
	}, patience, ms)
	require.Equal(t, 7, i.stop())
}
