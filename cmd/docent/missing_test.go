//go:build unix

package main

import (
	"strings"
	"syscall"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// readingVerbs are the verbs that read a path and end. For each, there are the
// path that the message names, and the znode that makes the recipe an empty one,
// with its exit code.
var readingVerbs = []struct {
	line, path  string
	empty, data string // the znode of the empty recipe, and its data
	code        int    // of the empty recipe
	out         string // of the missing recipe, and with --json
	json        string
}{
	{"config get /typo/k", "/typo/k", "/typo/k", "", 0, "", ""},
	{"config list /typo", "/typo", "/typo", "", 0, "", ""},
	{"config history /typo", "/typo", "/typo", "", 0, "", ""},
	{"config export /typo", "/typo", "/typo", "", 0, "", ""},
	{"config diff /typo --with /typo", "/typo", "/typo", "", 0, "", ""},
	{"exec /typo -- true", "/typo", "/typo", "", 0, "", ""},
	{"counter get /typo", "/typo", "/typo", "\x00\x00\x00\x00\x00\x00\x00\x00", 0, "0\n", `{"path":"/typo","value":0,"exists":false}` + "\n"},
	{"group list /typo", "/typo", "/typo", "", 0, "", ""},
	{"queue len /typo", "/typo", "/typo", "", 0, "0\n", lenOfNothing},
	{"queue list /typo", "/typo", "/typo", "", 0, "", ""},
	{"queue len /typo --layout kazoo", "/typo", "/typo", "", 0, "0\n", lenOfNothing},
	{"queue list /typo --items /i --claims /c", "/typo", "/i", "", 0, "", ""},
	{"queue dead list /typo", "/typo", "/typo", "", 0, "", ""},
	{"queue dead redrive /typo", "/typo", "/typo", "", 0, "", ""},
	{"queue dead discard /typo queue-0000000001.1f", "/typo", "/typo", "", 0, "", ""},
	{"service list", "/services", "/services", "", 0, "", ""},
	{"service list typo", "/services/typo", "/services/typo", "", 0, "", ""},
	{"service list typo --base /b --layout dubbo", "/b/typo/providers", "/b/typo/providers", "", 0, "", ""},
	{"service pick typo", "/services/typo", "/services/typo", "", 1, "", ""},
	{"leader /typo", "/typo", "/typo", "", 1, "", ""},
	{"inspect /typo", "/typo", "/typo", "", 0, "", ""},
	{"inspect --deadlocks --confirm 0s /typo", "/typo", "/typo", "", 0, "", ""},
	{"acl check /typo", "/typo", "/typo", "", 1, "", ""}, // it is open
	{"revoke /typo", "/typo", "/typo", "", 0, "", ""},
	{"remove /typo", "/typo", "/typo", "", 1, "", ""}, // it is not marked
}

const lenOfNothing = `{"path":"/typo","ready":0,"delayed":0,"claimed":0,"dead":0,"foreign":0}` + "\n"

// watchingVerbs read a path until they are interrupted.
var watchingVerbs = []struct{ line, path, first string }{
	{"config watch /typo", "/typo", "-- no such znode --"},
	{"config sync /typo FILE", "/typo", ""},
	{"group watch /typo", "/typo", "no members"},
	{"service watch typo", "/services/typo", "no instances"},
	{"leader /typo --watch", "/typo", "no leader"},
	{"inspect --watch /typo", "/typo", ""},
}

// waitingVerbs wait for what PATH does not have yet.
var waitingVerbs = []struct{ line, put, item string }{
	{"queue take /typo", "queue put /typo x", "x"},
	{"queue take /typo --wait 1m", "queue put /typo x", "x"},
	{"queue take /typo --items /i --claims /c", "queue put /typo --items /i --claims /c x", "x"},
	{"queue take /typo --layout kazoo", "queue put /typo --layout kazoo x", "x"},
}

// otherVerbs write, wait or need no path, or take a missing path for a state:
// a gate that was never set is open.
var otherVerbs = []string{
	"demo", "dev", "lock", "once", "elect", "barrier set", "barrier lift", "barrier wait", "barrier enter", "counter add", "counter set",
	"config set", "config delete", "config rollback", "config import", "queue put", "group join", "service register", "service drain",
	"acl init", "status", "ui", "completion", "man", "version",
}

// A path that does not exist is an error with one exit code in every verb that
// reads, with one line that names the path. The result is the one of an empty
// recipe. What exists and is empty is not an error.
func TestFault36_WhatIsNotThere(t *testing.T) {
	for i, c := range readingVerbs {
		if i%oneIn != 0 {
			continue
		}
		for _, how := range []string{"", "--json "} {
			server := zktest.New(t)
			code, out, stderr := docent(t, words(how+c.line), on(server))
			require.Equal(t, exitFailure, code, "%s%s: %s", how, c.line, stderr)
			if how == "" {
				require.Equal(t, c.out, out, c.line)
			} else {
				require.Equal(t, c.json, out, c.line)
			}
			require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
			require.Regexp(t, `^docent: [^\n]*`+c.path+`: (there is no such znode|no leader); [^\n]*check the path, and the root in --servers\n$`, stderr, c.line)
			require.Empty(t, server.Paths(), "%s makes nothing", c.line)

			require.NoError(t, server.Put(c.empty, []byte(c.data)))
			code, _, stderr = docent(t, words(how+c.line), on(server))
			require.Equal(t, c.code, code, "%s%s: %s", how, c.line, stderr)
			require.NotContains(t, stderr, "no such znode", c.line)
		}
	}
}

// A path that exists and may not be read is not missing.
func TestFault36_WhatIsHidden(t *testing.T) {
	for i, c := range readingVerbs {
		if i%oneIn != 0 {
			continue
		}
		eachServer(t, func(t *testing.T, server *zktest.Server) {
			require.NoError(t, server.Put(c.empty, []byte(c.data)))
			shut(t, server, c.empty)
			_, _, stderr := docent(t, words(c.line), on(server))
			require.NotContains(t, stderr, "no such znode", c.line)
		})
	}
}

// A watch of a path that does not exist says so in one line, and waits.
func TestFault36_WatchesOfWhatIsNotThere(t *testing.T) {
	for _, c := range watchingVerbs {
		server := zktest.New(t)
		line := strings.Replace(c.line, "FILE", t.TempDir()+"/file", 1)
		i := start(t, words(line), on(server))
		if c.first != "" {
			require.Equal(t, c.first, i.line(), c.line)
		}
		require.Eventually(t, func() bool { return strings.Contains(i.stderr.String(), "\n") }, patience, ms, c.line)
		i.kill(syscall.SIGTERM)
		code, _ := i.wait()
		require.Zero(t, code, c.line)
		require.Regexp(t, `^docent: \w[^\n]*: [^\n]*`+c.path+`[^\n]* does not exist yet[^\n]*; [^\n]+\n$|^docent: inspect /typo: [^\n]+\n$`, i.stderr.String(), c.line)

		require.NoError(t, server.Put(c.path, []byte("v")))
		i = start(t, words(line), on(server))
		i.line()
		i.kill(syscall.SIGTERM)
		i.wait()
		require.Empty(t, i.stderr.String(), c.line)
	}
}

// A wait for what does not exist says so in one line, and waits.
func TestFault36_WaitsForWhatIsNotThere(t *testing.T) {
	for _, c := range waitingVerbs {
		t.Run(c.line, func(t *testing.T) {
			t.Parallel()
			server := zktest.New(t)
			i := start(t, words(c.line), on(server))
			require.Eventually(t, func() bool { return strings.Contains(i.stderr.String(), "\n") }, patience, ms)
			code, _, stderr := docent(t, words(c.put), on(server))
			require.Zero(t, code, stderr)
			require.Equal(t, c.item, i.line())
			code, _ = i.wait()
			require.Zero(t, code)
			require.Regexp(t, `^docent: queue take /typo: the znode /typo does not exist yet; if it should, check the path, and the root in --servers\n$`,
				i.stderr.String())
		})
	}
}

// A wait that ends without an item says that the queue does not exist.
func TestFault36_TakesNothingFromWhatIsNotThere(t *testing.T) {
	for _, flags := range []string{"--wait 0", "--wait 1ms", "--wait 0 --layout simple", "--wait 0 --items /i --claims /c"} {
		server := zktest.New(t)
		code, _, stderr := docent(t, words("queue take /typo "+flags), on(server))
		require.Equal(t, exitNotAcquired, code, flags)
		require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
		require.Regexp(t, `^docent: queue take /typo: no item [^:;]*: the znode /typo does not exist \(check the path, and the root in --servers\); `, stderr)
		require.Empty(t, server.Paths())
	}
}

// A missing gate is open. A person may have mistyped its path.
func TestFault36_AGateThatIsNotThere(t *testing.T) {
	server := zktest.New(t)
	code, _, stderr := docent(t, words("barrier wait /typo"), on(server))
	require.Zero(t, code)
	require.Empty(t, stderr, "a script waits for a gate that may be open")
	code, _, stderr = docent(t, words("--verbose barrier wait /typo"), on(server))
	require.Zero(t, code)
	require.Contains(t, stderr, "docent: barrier wait /typo: the gate is not set; if it should be, check the path, and the root in --servers\n")
}

// No verb is missing in the tables.
func TestFault36_TablesAreComplete(t *testing.T) {
	var lines []string
	for _, c := range readingVerbs {
		lines = append(lines, c.line)
	}
	for _, c := range watchingVerbs {
		lines = append(lines, c.line)
	}
	for _, c := range waitingVerbs {
		lines = append(lines, c.line)
	}
	lines = append(lines, otherVerbs...)
	parser, err := kong.New(new(grammar), append(decoders(), kong.Name("docent"))...)
	require.NoError(t, err)
	for _, leaf := range parser.Model.Leaves(true) {
		words := strings.Join(verb(leaf), " ")
		found := false
		for _, line := range lines {
			found = found || strings.HasPrefix(line+" ", words+" ")
		}
		require.True(t, found, "%q is in none of the tables", words)
	}
}

// Whatever ends with a code other than 0 says why on standard error, if no CMD
// has ended with the code.
func TestEveryFailureHasALine(t *testing.T) {
	server := zktest.New(t)
	require.NoError(t, server.Put("/open/lock", nil))
	for _, line := range []string{"acl check /open", "--json acl check /open", "leader /open", "service pick none"} {
		code, _, stderr := docent(t, words(line), on(server))
		require.Equal(t, exitFailure, code, line)
		require.Regexp(t, `^docent: [^\n]+: [^\n]+; [^\n]+\n$`, stderr, line)
	}
	code, out, stderr := docent(t, words("acl check /open"), on(server))
	require.Equal(t, exitFailure, code)
	require.Contains(t, out, "! anyone may")
	require.Equal(t, "docent: acl check /open: others have rights in 3 places; close what is yours with \"docent acl init --force\", "+
		"or name who may have them with --trust\n", stderr)
}
