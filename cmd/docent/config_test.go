//go:build unix

package main

import (
	"encoding/json"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/docent-go/docent/internal/recipe/recognise"
	"github.com/docent-go/docent/zktest"
)

func TestConfig_roundTrip(t *testing.T) {
	server := zktest.New(t)
	code, out, _ := docent(t, words("config set /c/bytes - --create"), on(server), stdin(""))
	require.Zero(t, code)
	require.Equal(t, "0\n", out)
	tried := 0
	rapid.Check(t, func(rt *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 64).Filter(func(b []byte) bool {
			return !recognise.IsNumber(b) // to be overwritten, that needs --version
		}).Draw(rt, "data")
		if tried++; tried%oneIn != 0 {
			return
		}
		code, _, _ := docent(t, words("config set /c/bytes -"), on(server), stdin(string(data)))
		require.Zero(rt, code)
		code, out, _ := docent(t, words("config get /c/bytes"), on(server))
		require.Zero(rt, code)
		require.Equal(rt, string(data), out, "byte for byte, and no newline")
		code, out, _ = docent(t, words("--json config get /c/bytes"), on(server))
		require.Zero(rt, code)
		require.Equal(rt, string(data), valueOf(t, out))
		require.Equal(rt, 1, strings.Count(out, "\n"))
	})
}

// valueOf reads the value out of a line of JSON output.
func valueOf(t *testing.T, line string) string {
	t.Helper()
	var v valueJSON
	require.NoError(t, json.Unmarshal([]byte(line), &v))
	if v.Value != nil {
		return *v.Value
	}
	return string(v.Base64)
}

func TestConfig_setGetDelete(t *testing.T) {
	server := zktest.New(t)
	for _, c := range []struct {
		args []string
		code int
		out  string
		err  string
	}{
		{words("config get /c/a"), 1, "", "docent: config get /c/a: there is no such znode; check the path, and the root in --servers\n"},
		{words("config set /c/a one"), 1, "", "docent: config set /c/a: there is no such znode; create it with --create\n"},
		{words("config set /c/a one --create"), 0, "0\n", ""},
		{words("config set /c/a two --create"), 0, "1\n", ""},
		{words("config set /c/a three --version 0"), 1, "",
			"docent: config set /c/a: the znode has another version; read the present version with \"docent --json config get\" and try again\n"},
		{words("config set /c/a three --version 1"), 0, "2\n", ""},
		{words("config set /c/a -- -4"), 0, "3\n", ""},
		{words("config get /c/a"), 0, "-4", ""},
		{words("--json config set /c/a", "five words, one value"), 0, `{"path":"/c/a","version":4}` + "\n", ""},
		{words("config delete /c"), 1, "", "docent: config delete /c: the znode has a child, \"a\"; see what they are with \"docent inspect /c\"\n"},
		{words("config delete /c/a --version 1"), 1, "",
			"docent: config delete /c/a: the znode has another version; read the present version with \"docent --json config get\" and try again\n"},
		{words("config delete /c/a --version 4"), 0, "", ""},
		{words("config delete /c/a"), 1, "", "docent: config delete /c/a: there is no such znode; check the path, and the root in --servers\n"},
		{words("--json config set /c/a x --create"), 0, `{"path":"/c/a","version":0}` + "\n", ""},
		{words("--json config delete /c/a"), 0, `{"path":"/c/a","deleted":true}` + "\n", ""},
		{words("config set /c/a x --create --version 1"), 2, "",
			"docent: config set: --version and --create exclude each other: a new key has no version to compare; give one of them\n"},
		{words("config delete /c/a --version=-1"), 2, "",
			"docent: config delete: --version -1 is negative; leave it out to delete any version\n"},
	} {
		code, out, stderr := docent(t, c.args, on(server))
		require.Equal(t, c.code, code, c.args)
		require.Equal(t, c.out, out, c.args)
		require.Equal(t, c.err, stderr, c.args)
	}
}

func TestConfig_valueTooLargeIsNotSent(t *testing.T) {
	server := zktest.New(t)
	code, _, stderr := docent(t, words("config set /c/a - --create"), on(server), stdin(strings.Repeat("x", 1<<20)))
	require.Equal(t, 1, code)
	require.Regexp(t, "^docent: config set /c/a: the request is larger than the server accepts: it takes [0-9]+ bytes, the limit is [0-9]+; "+
		"make the data smaller, or store it elsewhere and put its address here\n$", stderr)
	require.Contains(t, stderr, "; make the data smaller, or store it elsewhere and put its address here\n")
	require.Zero(t, server.Count(zktest.OpSetData)+server.Count(zktest.OpCreate))
}

func TestConfig_watch(t *testing.T) {
	server := zktest.New(t)
	addr, err := server.Listen("127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, server.Put("/c/a", []byte("one\ntwo\\")))
	network := env("DOCENT_SERVERS=" + addr)
	text := start(t, words("config watch /c/a"), network)
	object := start(t, words("config watch /c/a --json"), network)
	both := func(line string, value string, deleted bool) {
		t.Helper()
		require.Equal(t, line, text.line())
		got := object.line()
		require.Equal(t, deleted, strings.Contains(got, `"deleted":true`), got)
		if !deleted {
			require.Equal(t, value, valueOf(t, got))
		}
	}
	put := func(value string) { require.NoError(t, server.Put("/c/a", []byte(value))) }
	both(`one\ntwo\\`, "one\ntwo\\", false)
	put("\x00\xff")
	both(`\x00\xff`, "\x00\xff", false)
	require.NoError(t, server.Remove("/c/a"))
	both("-- deleted --", "", true)
	put("again")
	both("again", "again", false)
	server.Restart()
	put("after the restart")
	both("after the restart", "after the restart", false)
	for _, s := range server.Sessions() {
		server.Expire(s.ID)
	}
	put("after the sessions")
	both("after the sessions", "after the sessions", false)
	for _, watch := range []*invocation{text, object} {
		watch.kill(syscall.SIGTERM)
		code, rest := watch.wait()
		require.Zero(t, code)
		require.Empty(t, rest)
		require.Empty(t, watch.stderr.String())
	}
}

func TestConfig_watch_missing(t *testing.T) {
	server := zktest.New(t)
	watch := start(t, words("config watch /c/a"), on(server))
	require.Equal(t, "-- no such znode --", watch.line())
	require.NoError(t, server.Put("/c/a", nil))
	require.Empty(t, watch.line())
	watch.kill(os.Interrupt)
	code, _ := watch.wait()
	require.Zero(t, code)
}
