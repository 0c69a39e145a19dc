//go:build unix

package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// eachServer runs f with each version of the server, as testworld.EachRelease does.
func eachServer(t *testing.T, f func(t *testing.T, server *zktest.Server)) {
	for _, release := range []zktest.Release{zktest.V35, zktest.V38, zktest.V39} {
		t.Run(string(release), func(t *testing.T) { f(t, zktest.New(t, zktest.Version(release))) })
	}
}

func shut(t *testing.T, server *zktest.Server, path string) {
	require.NoError(t, server.SetACL(path, zktest.ACL{Perms: session.PermAll, Scheme: "digest", ID: "owner:x"}))
}

// A verb that lists prints what it may read, and names what it may not.
func TestFault38_EveryListBesideAHiddenNode(t *testing.T) {
	letter := `{"reason":"bad","attempts":1,"put":1}` + "\n"
	for _, row := range []struct {
		line   string
		nodes  map[string]string // the znodes and what they hold
		hidden string            // the znode that is shut
		rest   string            // what the output says of the others
		named  string            // what the output, or the errors, say of the hidden one
	}{
		{"config list /d", map[string]string{"/d/a": "1", "/d/b": "2"}, "/d/a", "b\t0\t2\n", "/d/a: the ACL denies access"},
		{"--json config list /d", map[string]string{"/d/a": "1", "/d/b": "2"}, "/d/a", `"path":"/d/b"`, "/d/a: the ACL denies access"},
		{"config list /d", map[string]string{"/d/a/x": "1", "/d/b": "2"}, "/d/a", "b\t0\t2\n", "/d/a: the ACL denies access"},
		{"group list /g", map[string]string{"/g/a": "1"}, "/g/a", "", "the ACL of /g/a hides"},
		{"service list s", map[string]string{
			"/services/s/a": `{"name":"s","id":"a","address":"h","port":1}`, "/services/s/b": `{"name":"s","id":"b","address":"h","port":2}`,
		}, "/services/s/a", "b\th:2\n", "/services/s/a: the ACL denies access"},
		{"queue list /q --layout kazoo", map[string]string{"/q/entry-100-0000000000": "a", "/q/entry-100-0000000001": "b"},
			"/q/entry-100-0000000000", "0000000001\tpriority 100\tattempts 0\tready\t1 bytes\n", "0000000000\tpriority 100\tattempts 0\thidden"},
		{"queue dead list /q --layout kazoo", map[string]string{"/q-dead/entry-100-0000000000.1": letter, "/q-dead/entry-100-0000000001.2": letter},
			"/q-dead/entry-100-0000000000.1", "entry-100-0000000001.2\tattempts 1", "entry-100-0000000000.1\tattempts 0\tdied"},
		{"inspect /q", map[string]string{"/q/entry-100-0000000000": "a", "/q/entry-100-0000000001": "b"},
			"/q/entry-100-0000000000", "/q  queue (kazoo)  2 items, the ", "/q/entry-100-0000000000  hidden  its ACL hides its data"},
		{"inspect /d", map[string]string{"/d/a": "1", "/d/b": "2"}, "/d/a", "/d/b", "/d/a  hidden  its ACL hides its data"},
		{"queue take /q --layout kazoo --wait 10s", map[string]string{"/q/entry-100-0000000000": "a", "/q/entry-100-0000000001": "b"},
			"/q/entry-100-0000000000", "b", "item 0000000000 is skipped: /q/entry-100-0000000000: the ACL denies access"},
	} {
		t.Run(strings.ReplaceAll(row.line, "/", "_"), func(t *testing.T) {
			eachServer(t, func(t *testing.T, server *zktest.Server) {
				for path, data := range row.nodes {
					require.NoError(t, server.Put(path, []byte(data)))
				}
				shut(t, server, row.hidden)
				code, out, stderr := docent(t, words(row.line), on(server))
				require.Zero(t, code, stderr)
				require.Contains(t, out, row.rest)
				require.Contains(t, out+stderr, row.named)
				require.NotContains(t, out, "106751d", "an age of a time that the server withholds")
			})
		})
	}
}

// The values of a history that may be read are printed.
func TestFault38_HistoryBesideAHiddenValue(t *testing.T) {
	eachServer(t, func(t *testing.T, server *zktest.Server) {
		for _, value := range []string{"one", "two"} {
			code, _, stderr := docent(t, words("config set /c/k --create --keep 5 "+value), on(server))
			require.Zero(t, code, stderr)
		}
		node, _ := server.Node("/c/.history/k")
		for _, name := range node.Children {
			if kept, _ := server.Node("/c/.history/k/" + name); string(kept.Data) == "one" {
				shut(t, server, "/c/.history/k/"+name)
			}
		}
		code, out, stderr := docent(t, words("config history /c/k"), on(server))
		require.Zero(t, code)
		require.Regexp(t, `^1\t\S+\tpresent\ttwo\n0\t\S+\thidden\t\n$`, out)
		require.Contains(t, stderr, "the ACL of value 0 denies reading it")
		code, out, _ = docent(t, words("--json config history /c/k"), on(server))
		require.Zero(t, code)
		require.Contains(t, out, `"id":0,"hidden":true`)
	})
}

// A directory that may not be listed is an error that names it.
func TestFault38_HiddenDirectory(t *testing.T) {
	eachServer(t, func(t *testing.T, server *zktest.Server) {
		require.NoError(t, server.Put("/d/a", []byte("1")))
		shut(t, server, "/d")
		code, out, stderr := docent(t, words("config list /d"), on(server))
		require.Equal(t, 1, code)
		require.Empty(t, out)
		require.Contains(t, stderr, "config list /d: the ACL denies access")
	})
}

// A directory within a recipe that may not be read is named.
func TestFault38_NamesTheDirectory(t *testing.T) {
	eachServer(t, func(t *testing.T, server *zktest.Server) {
		require.NoError(t, server.Put("/q/items/queue-0000000000", nil))
		require.NoError(t, server.Put("/q/claims", nil))
		shut(t, server, "/q/claims")
		code, _, stderr := docent(t, words("queue take /q --wait 1m"), on(server))
		require.Equal(t, 1, code)
		require.Contains(t, stderr, "docent: queue take /q: /q/claims: the ACL denies access; ")
	})
}

// A queue of nothing but hidden items is waited for as an empty one, and the
// message counts them.
func TestFault19_TakeFromAQueueOfHiddenItems(t *testing.T) {
	eachServer(t, func(t *testing.T, server *zktest.Server) {
		for _, path := range []string{"/q/entry-100-0000000000", "/q/entry-100-0000000001"} {
			require.NoError(t, server.Put(path, []byte("x")))
			shut(t, server, path)
		}
		for _, wait := range []string{"0s", "500ms"} {
			code, out, stderr := docent(t, words("queue take /q --layout kazoo --wait "+wait), on(server))
			require.Equal(t, exitNotAcquired, code, stderr)
			require.Empty(t, out)
			require.Equal(t, 2, strings.Count(stderr, "is skipped"), stderr)
			require.Contains(t, stderr, "and 2 items may not be taken (see --auth-file)")
		}
	})
}

// A node with children is not deleted, and the message does not advise to
// delete what may be another recipe's.
func TestFault25_DeleteOfANodeWithChildren(t *testing.T) {
	server := zktest.New(t)
	require.NoError(t, server.Put("/q/items", nil))
	require.NoError(t, server.Put("/q/claims", nil))
	require.NoError(t, server.Put("/q", []byte("data")))
	code, _, stderr := docent(t, words("config delete /q"), on(server))
	require.Equal(t, 1, code)
	require.Equal(t, `docent: config delete /q: the znode has 2 children, such as "claims"; see what they are with "docent inspect /q"`+"\n", stderr)
}
