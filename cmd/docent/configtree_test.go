//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

func treeServer(t *testing.T, entries ...string) *zktest.Server {
	t.Helper()
	server := zktest.New(t)
	for _, entry := range entries {
		key, value, _ := strings.Cut(entry, "=")
		require.NoError(t, server.Put(key, []byte(value)))
	}
	return server
}

func TestConfigExport(t *testing.T) {
	server := treeServer(t, "/c/db=both", "/c/db/host=h\n", "/c/bin=\xff\x00", "/c/.history/db/x=old")
	code, out, stderr := docent(t, words("config export /c"), on(server))
	require.Zero(t, code, stderr)
	require.Regexp(t, `^{
  "format": "docent config 1",
  "path": "/c",
  "zxid": \d+,
  "keys": \[
    {"key":"bin","base64":"/wA="},
    {"key":"db","value":"both"},
    {"key":"db/host","value":"h\\n"}
  \]
}
$`, out)

	// Every form can be compared with the tree, and imported elsewhere.
	dir := t.TempDir()
	for name, to := range map[string]string{"file": filepath.Join(dir, "f"), "new directory": filepath.Join(dir, "d") + "/", "directory": t.TempDir()} {
		code, out, stderr = docent(t, words("config export /c "+to), on(server))
		require.Zero(t, code, "%s: %s", name, stderr)
		require.Empty(t, out)
		code, out, stderr = docent(t, words("config diff /c "+to), on(server))
		require.Zero(t, code, "%s: %s%s", name, out, stderr)
		copied := "/copy/" + strings.Fields(name)[0]
		code, out, stderr = docent(t, words("config import "+copied+" "+to), on(server))
		require.Zero(t, code, stderr)
		require.Equal(t, "create bin\ncreate db\ncreate db/host\n", out)
		code, out, _ = docent(t, words("config diff /c --with "+copied), on(server))
		require.Zero(t, code, out)
	}
	code, _, stderr = docent(t, words("config export /c "+dir), on(server))
	require.Equal(t, 1, code)
	require.Equal(t, "docent: config export /c: "+dir+" is not empty; name a new or an empty directory\n", stderr)
	code, _, stderr = docent(t, words("config export /missing"), on(server))
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "there is no such znode")
	code, out, stderr = docent(t, words("config export /c --limit 2"), on(server))
	require.Equal(t, 1, code)
	require.Empty(t, out)
	require.Contains(t, stderr, "the tree is too large: ")
	require.Contains(t, stderr, "; raise --limit or --max-bytes\n")
}

func TestConfigDiff(t *testing.T) {
	server := treeServer(t, "/a/same=1", "/a/old=1", "/a/x=1\t2", "/b/same=1", "/b/new=\xff", "/b/x=3")
	code, out, stderr := docent(t, words("config diff /a --with /b"), on(server))
	require.Equal(t, 1, code)
	require.Empty(t, stderr)
	require.Equal(t, "+ new\t\\xff\n- old\t1\n~ x\t1\\t2\t3\n", out)
	_, out, _ = docent(t, words("config diff /a --with /b --keys-only"), on(server))
	require.Equal(t, "+ new\n- old\n~ x\n", out)
	_, out, _ = docent(t, words("--json config diff /a --with /b"), on(server))
	require.Equal(t, `{"change":"added","key":"new","after":{"base64":"/w=="}}`+"\n"+
		`{"change":"removed","key":"old","before":{"value":"1"}}`+"\n"+
		`{"change":"changed","key":"x","before":{"value":"1\t2"},"after":{"value":"3"}}`+"\n", out)
	for line, text := range map[string]string{
		"config diff /a": "give either FILE or --with PATH", "config diff /a f --with /b": "give either FILE or --with PATH",
		"config diff /a --with b": "invalid path", "config diff a f": "invalid path",
	} {
		code, _, stderr = docent(t, words(line), on(server))
		require.Equal(t, 2, code, "%s: %s", line, stderr)
		require.Contains(t, stderr, text)
	}
	code, _, stderr = docent(t, words("config diff /a /no/such/file"), on(server))
	require.Equal(t, 1, code)
	require.Equal(t, "docent: config diff /a: stat /no/such/file: no such file or directory\n", stderr)
	code, _, stderr = docent(t, words("config diff /a -"), on(server), stdin("{"))
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "docent: config diff /a: standard input: not an export of docent: ")
}

// A znode of another recipe is not overwritten, and not deleted. Nothing is
// written then, in a dry run as without.
func TestConfigImport_foreign(t *testing.T) {
	const number = "\x00\x00\x00\x00\x00\x00\x00\x05"
	server := treeServer(t, "/c/a=1", "/c/n="+number, "/c/l/_c_00000000-1111-4222-8333-000000000001-lock-0000000000=host")
	for _, c := range []struct{ name, flags, keys, reason string }{
		{"counter", "", `{"key":"n","value":"x"}`,
			"n: the znode belongs to another recipe or program: it has 8 bytes and looks like the number of a counter; " +
				"remove it from standard input, or overwrite it with --force if it is a key"},
		{"number for number", "", `{"key":"n","base64":"AAAAAAAAAAY="}`, "looks like the number of a counter; remove it from"},
		{"deleted counter", "--delete", "", "looks like the number of a counter; leave out --delete, or overwrite it with --force if it is a key"},
		{"contender", "--force", `{"key":"l/_c_00000000-1111-4222-8333-000000000001-lock-0000000000","value":"x"}`,
			"it is a contender of a lock; remove it from standard input"},
		{"directory of a lock", "--force", `{"key":"l","value":"x"}`, "it is the directory of a lock; remove it from standard input"},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := `{"format":"docent config 1","keys":[{"key":"a","value":"2"}` + strings.TrimSuffix(","+c.keys, ",") + `]}`
			for _, dry := range []string{"", " --dry-run"} {
				code, out, stderr := docent(t, words("config import /c - "+c.flags+dry), on(server), stdin(doc))
				require.Equal(t, 1, code)
				require.Empty(t, out)
				require.Contains(t, stderr, "docent: config import /c: nothing was written: ")
				require.Contains(t, stderr, c.reason)
			}
			require.Zero(t, server.Count(zktest.OpMulti))
			if c.keys != "" {
				_, _, stderr := docent(t, words("config diff /c -"), on(server), stdin(doc))
				require.Contains(t, stderr, `"docent config import" does not write it`)
			}
		})
	}
	code, out, stderr := docent(t, words("config import /c - --force"), on(server), stdin(`{"format":"docent config 1","keys":[{"key":"n","value":"x"}]}`))
	require.Zero(t, code, stderr)
	require.Equal(t, "set n\n", out)
}

// Only what differs is written, and what another client has written since is
// not overwritten.
func TestConfigImport(t *testing.T) {
	server := treeServer(t, "/c/db=1", "/c/db/host=h1", "/c/same=1", "/c/gone=1", "/c/gone/below=1")
	code, exported, stderr := docent(t, words("config export /c"), on(server))
	require.Zero(t, code, stderr)
	edited := strings.NewReplacer(`{"key":"db","value":"1"}`, `{"key":"db","value":"2"}`,
		"\n    {\"key\":\"gone\",\"value\":\"1\"},", "", "\n    {\"key\":\"gone/below\",\"value\":\"1\"},", "",
		`{"key":"same"`, "{\"key\":\"new/x\",\"value\":\"\"},\n{\"key\":\"same\"").Replace(exported)
	const want = "set db\ncreate new/x\n"
	before := server.Count(zktest.OpMulti)
	code, out, stderr := docent(t, words("config import /c - --dry-run"), on(server), stdin(edited))
	require.Zero(t, code, stderr)
	require.Equal(t, want, out)
	require.Equal(t, before, server.Count(zktest.OpMulti), "nothing is written")

	// Changed after the export, by another client.
	require.NoError(t, server.Put("/c/db", []byte("theirs")))
	code, out, stderr = docent(t, words("config import /c -"), on(server), stdin(edited))
	require.Equal(t, 1, code)
	require.Empty(t, out)
	require.Equal(t, "docent: config import /c: nothing was written: changed after the export: db; export again, or overwrite with --force\n", stderr)
	code, out, stderr = docent(t, words("config import /c - --force"), on(server), stdin(edited))
	require.Zero(t, code, stderr)
	require.Equal(t, want, out)
	code, out, _ = docent(t, words("--json config import /c - --force --delete"), on(server), stdin(edited))
	require.Zero(t, code)
	require.Equal(t, `{"change":"delete","key":"gone/below"}`+"\n"+`{"change":"set","key":"gone"}`+"\n", out)
	code, out, _ = docent(t, words("config diff /c -"), on(server), stdin(edited))
	require.Zero(t, code, out)

	// A directory without a value becomes a key.
	code, out, stderr = docent(t, words("config import /c - --force"), on(server),
		stdin(`{"format":"docent config 1","keys":[{"key":"new","value":"v"}]}`))
	require.Zero(t, code, stderr)
	require.Equal(t, "create new\n", out)
	_, out, _ = docent(t, words("config get /c/new"), on(server))
	require.Equal(t, "v", out)
}

// A client that writes between the read and the transaction wins.
func TestConfigImport_concurrentChange(t *testing.T) {
	server := treeServer(t, "/c/a=1", "/c/b=1")
	server.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op == zktest.OpMulti {
			_ = server.Put("/c/b", []byte("theirs"))
		}
		return zktest.Pass
	})
	code, out, stderr := docent(t, words("config import /c -"), on(server),
		stdin(`{"format":"docent config 1","keys":[{"key":"a","value":"2"},{"key":"b","value":"2"}]}`))
	require.Equal(t, 1, code)
	require.Empty(t, out)
	require.Contains(t, stderr, "docent: config import /c: another client has changed the tree meanwhile: step 2 of 2 (set key /c/b): the znode has another version: the step gives 0, and the key has 1 now; nothing was written; run the import again\n")
	_, out, _ = docent(t, words("config list /c"), on(server))
	require.Equal(t, "a\t0\t1\nb\t1\ttheirs\n", out)
}

// A tree that does not fit into one transaction is written in several, and
// docent says so.
func TestConfigImport_severalTransactions(t *testing.T) {
	server := treeServer(t)
	dir := t.TempDir()
	for i := range 5 {
		require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprint("k", i)), []byte(strings.Repeat("x", 400_000)), 0o600))
	}
	code, out, stderr := docent(t, words("config import /c "+dir), on(server))
	require.Zero(t, code, stderr)
	require.Equal(t, 5, strings.Count(out, "create "))
	require.Equal(t, "docent: config import /c: 3 transactions are needed, since a request has 1 MB at most; "+
		"readers may see a part of the changes in between\n", stderr)
	code, out, _ = docent(t, words("config import /c "+dir), on(server))
	require.Zero(t, code)
	require.Empty(t, out, "nothing differs")

	require.NoError(t, os.WriteFile(filepath.Join(dir, "huge"), []byte(strings.Repeat("x", 1_048_576)), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "k0"), []byte("new"), 0o600))
	code, out, stderr = docent(t, words("config import /c "+dir), on(server))
	require.Equal(t, 1, code)
	require.Empty(t, out)
	require.Equal(t, "docent: config import /c: nothing was written: the key huge has 1048576 bytes, and a request to ZooKeeper has 1 MB at most\n", stderr)
}

func TestConfigImport_badSources(t *testing.T) {
	server := treeServer(t)
	for doc, text := range map[string]string{
		"": "standard input: not an export of docent: it is empty",
		`{"format":"docent config 1","keys":[{"key":"a//b","value":""}]}`:       "the key a//b cannot be a znode",
		`{"format":"docent config 1","keys":[{"key":"../up","value":""}]}`:      "the key ../up cannot be a znode",
		`{"format":"docent config 1","keys":[{"key":".history/a","value":""}]}`: "histories",
	} {
		code, _, stderr := docent(t, words("config import /c -"), on(server), stdin(doc))
		require.Equal(t, 1, code)
		require.Contains(t, stderr, text)
		require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
	}
	code, _, stderr := docent(t, words("config import /c f --limit 0"), on(server))
	require.Equal(t, 2, code)
	require.Contains(t, stderr, "--limit and --max-bytes must be above zero")
}

func TestConfigSync_tree(t *testing.T) {
	server := treeServer(t, "/c/db/host=h1", "/c/db/port=1", "/c/..x=hostile")
	dir := filepath.Join(t.TempDir(), "d")
	cmd := []string{"--", "sh", "-c", `echo "CMD $DOCENT_PATH $(cat "$DOCENT_FILE/db/host")"`}
	i := start(t, append(words("config sync /c "+dir+" --tree"), cmd...), on(server))
	require.Equal(t, "wrote "+dir+", 3 keys", i.line())
	require.Equal(t, "CMD /c h1", i.line())
	data, err := os.ReadFile(filepath.Join(dir, "%2E.x"))
	require.NoError(t, err)
	require.Equal(t, "hostile", string(data))
	require.NoError(t, server.Put("/c/db/host", []byte("h2")))
	require.Equal(t, "wrote "+dir+", 3 keys", i.line())
	require.Equal(t, "CMD /c h2", i.line())
	server.Restart()
	require.NoError(t, server.Remove("/c/db/port"))
	require.Equal(t, "wrote "+dir+", 2 keys", i.line())
	require.Equal(t, "CMD /c h2", i.line())
	require.NoFileExists(t, filepath.Join(dir, "db", "port"))
	i.kill(syscall.SIGTERM)
	code, rest := i.wait()
	require.Zero(t, code, i.stderr)
	require.Empty(t, rest)

	// Without the tree the files stay, unless --remove is given.
	other := treeServer(t)
	i = start(t, words("config sync /c "+dir+" --tree"), on(other))
	require.Eventually(t, func() bool { return strings.Contains(i.stderr.String(), "does not exist yet") }, patience, ms)
	require.NoError(t, other.Put("/c/new", []byte("1")))
	require.Equal(t, "wrote "+dir+", 1 keys", i.line())
	require.NoFileExists(t, filepath.Join(dir, "db", "host"))
	require.Zero(t, i.stop())

	code, _, stderr := docent(t, words("config sync /other "+dir+" --tree"), on(other))
	require.Equal(t, 1, code)
	require.Equal(t, "docent: config sync /other: "+dir+` is kept equal to the tree "/c"; name another directory, or remove it`+"\n", stderr)
}

// A key that may not be read keeps its file.
func TestConfigSync_treeWithHiddenKeys(t *testing.T) {
	server := treeServer(t, "/c/a=1", "/c/b=1")
	dir := filepath.Join(t.TempDir(), "d")
	i := start(t, words("config sync /c "+dir+" --tree"), on(server))
	require.Equal(t, "wrote "+dir+", 2 keys", i.line())
	require.Zero(t, i.stop())
	server.Intercept(func(r zktest.Request) zktest.Action {
		if r.Path == "/c/b" {
			return zktest.Fail(zktest.CodeNoAuth)
		}
		return zktest.Pass
	})
	require.NoError(t, server.Put("/c/a", []byte("2")))
	i = start(t, words("config sync /c "+dir+" --tree"), on(server))
	require.Equal(t, "wrote "+dir+", 1 keys", i.line())
	require.Eventually(t, func() bool { return strings.Contains(i.stderr.String(), "the ACL denies access") }, patience, ms)
	require.FileExists(t, filepath.Join(dir, "b"))
	require.Zero(t, i.stop())
}
