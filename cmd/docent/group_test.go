//go:build unix

package main

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

func TestGroup(t *testing.T) {
	server := zktest.New(t)
	code, out, stderr := docent(t, words("group list /g"), on(server))
	require.Equal(t, 1, code)
	require.Empty(t, out)
	require.Equal(t, "docent: group list /g: there is no such znode; check the path, and the root in --servers\n", stderr)

	text := start(t, words("group watch /g"), on(server))
	object := start(t, words("group watch /g --json"), on(server))
	require.Equal(t, "no members", text.line())
	require.Equal(t, `{"event":"empty"}`, object.line())

	a := start(t, []string{"group", "join", "/g", "host-7", "--data", "load\t0.2\n"}, on(server))
	require.Equal(t, "joined /g/host-7", a.line())
	require.Equal(t, "joined host-7\t"+`load\t0.2\n`, text.line())
	require.Regexp(t, `^\{"event":"joined","id":"host-7","payload":"load\\t0.2\\n","token":\d+,"since":"20[^"]+Z",`+
		`"updated":"20[^"]+Z","session":"0x[0-9a-f]+"\}$`, object.line())

	b := start(t, words("--json group join /g host-8"), on(server))
	require.Regexp(t, `^\{"in":true,"id":"host-8","path":"/g/host-8","token":\d+,"session":"0x[0-9a-f]+"\}$`, b.line())
	require.Equal(t, "joined host-8", text.line())
	require.Contains(t, object.line(), `"payload":"",`)

	code, out, _ = docent(t, words("group list /g"), on(server))
	require.Zero(t, code)
	require.Equal(t, "host-7\tload\\t0.2\\n\nhost-8\n", out)
	code, out, _ = docent(t, words("group list /g --json"), on(server))
	require.Zero(t, code)
	require.Regexp(t, `(?m)^\{"id":"host-8","payload":"","token":\d+`, out)

	b.kill(syscall.SIGTERM)
	code, rest := b.wait()
	require.Zero(t, code)
	require.Empty(t, rest)
	require.Equal(t, "left host-8", text.line())
	require.Contains(t, object.line(), `{"event":"left","id":"host-8"`)

	server.Restart() // which changes nothing
	a.kill(syscall.SIGINT)
	code, rest = a.wait()
	require.Zero(t, code)
	require.Empty(t, rest)
	require.Equal(t, "left host-7", text.line())
	require.Equal(t, "no members", text.line())
	require.Contains(t, object.line(), `{"event":"left","id":"host-7"`) // both are connected again, and can say goodbye
	text.kill(syscall.SIGINT)
	object.kill(syscall.SIGTERM)
	for _, watch := range []*invocation{text, object} {
		code, _ := watch.wait()
		require.Zero(t, code)
		require.Equal(t, "docent: group watch /g: the znode /g does not exist yet; if it should, check the path, and the root in --servers\n",
			watch.stderr.String())
	}
	require.Empty(t, server.Sessions())
}

// The session of a member ends: it is told, and is in again.
func TestGroup_join_sessionLost(t *testing.T) {
	server := zktest.New(t)
	a := start(t, words("group join /g host-7"), on(server))
	require.Equal(t, "joined /g/host-7", a.line())
	admit := barred(server, "/g/host-7")
	server.Expire(only(t, server))
	require.Equal(t, "out: the server has expired the session", a.line())
	admit()
	require.Equal(t, "joined /g/host-7", a.line())
	object := start(t, words("group join /g host-8 --json"), on(server))
	object.line()
	require.NoError(t, server.Remove("/g/host-8"))
	line := object.line()
	if line[:len(`{"in":true`)] != `{"in":true` { // it may be back before that is printed
		require.Contains(t, line, `{"in":false,"id":"host-8","path":"/g/host-8","why":"`)
		line = object.line()
	}
	require.Contains(t, line, `"in":true`)
	for _, d := range []*invocation{a, object} {
		d.kill(syscall.SIGTERM)
		code, _ := d.wait()
		require.Zero(t, code)
	}
}

// A directory without members may be a partitioner, or another recipe's: the
// list says what it found.
func TestGroup_list_notAGroup(t *testing.T) {
	server := zktest.New(t)
	for _, path := range []string{"/p/members", "/p/claims", "/q/a", "/q/b\u202e", "/q/c", "/q/d", "/empty"} {
		require.NoError(t, server.Put(path, nil))
	}
	for path, says := range map[string]string{
		"/p":     "docent: group list /p: no members, but other znodes: claims, members; list a partitioner's members with docent group list /p/members\n",
		"/q":     `docent: group list /q: no members, but other znodes: a, b\xe2\x80\xae, c and 1 more; check the path (see "docent inspect")` + "\n",
		"/empty": "",
	} {
		for _, flag := range []string{"", " --json"} {
			code, out, stderr := docent(t, words("group list "+path+flag), on(server))
			require.Zero(t, code)
			require.Empty(t, out)
			require.Equal(t, says, stderr)
		}
	}
}

func TestGroup_join_duplicate(t *testing.T) {
	server := zktest.New(t, zktest.SessionTimeouts(1, 0))
	a := start(t, words("group join /g host-7"), on(server))
	require.Equal(t, "joined /g/host-7", a.line())
	code, out, stderr := docent(t, words("group join /g host-7 --timeout 200ms"), on(server))
	require.Equal(t, 1, code)
	require.Empty(t, out)
	require.Regexp(t, `^docent: group join /g host-7: the id is in use: session 0x[0-9a-f]+ holds it; `+
		`choose another id, or end the process that holds it\n$`, stderr)
	a.kill(syscall.SIGTERM)
	a.wait()
}

func TestGroup_usage(t *testing.T) {
	for _, args := range [][]string{
		{"group", "join", "/g", "a/b"},
		{"group", "join", "/g", ".."},
		{"group", "join", "g", "a"},
		{"group", "join", "/g"},
		{"group", "list", "g"},
		{"group", "watch", "/g/"},
	} {
		code, out, stderr := docent(t, args, on(zktest.New(t)))
		require.Equal(t, 2, code, args)
		require.Empty(t, out)
		require.Regexp(t, `^docent: [^\n]+\n$`, stderr)
	}
}

func TestGroup_unreachable(t *testing.T) {
	for _, line := range []string{"group join /g a", "group list /g", "group watch /g"} {
		code, _, stderr := docent(t, words(line+" --servers 127.0.0.1:1 --connect-timeout 200ms"))
		require.Equal(t, 69, code, line)
		require.Contains(t, stderr, "no server could be reached within 200ms")
	}
}
