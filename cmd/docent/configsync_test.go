//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

func TestConfigSync(t *testing.T) {
	server := zktest.New(t)
	require.NoError(t, server.Put("/c/k", []byte("one")))
	file := filepath.Join(t.TempDir(), "f")
	// CMD prints what it finds, and fails for one of the values.
	cmd := []string{"--", "sh", "-c", `echo "CMD $DOCENT_PATH $(cat "$DOCENT_FILE")"; test "$(cat "$DOCENT_FILE")" != two`}
	sync := start(t, append([]string{"config", "sync", "/c/k", file}, cmd...), on(server))
	require.Equal(t, "wrote "+file+", version 0", sync.line())
	require.Equal(t, "CMD /c/k one", sync.line())
	require.NoError(t, server.Put("/c/k", []byte("two")))
	require.Equal(t, "wrote "+file+", version 1", sync.line())
	require.Equal(t, "CMD /c/k two", sync.line())
	server.Restart()
	require.NoError(t, server.Put("/c/k", []byte("three")))
	require.Equal(t, "wrote "+file+", version 2", sync.line())
	require.Equal(t, "CMD /c/k three", sync.line(), "it keeps going")
	sync.kill(syscall.SIGTERM)
	code, rest := sync.wait()
	require.Zero(t, code)
	require.Empty(t, rest)
	require.Equal(t, "docent: config sync /c/k: CMD failed with code 1; the file has version 1, and CMD runs again after the "+
		"next change\n", sync.stderr.String())
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "three", string(data))
}

// says waits until standard error has a text.
func says(t *testing.T, i *invocation, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(i.stderr.String(), text) }, patience, ms, text)
}

// --check sees each new value before the file has it. A value that it rejects
// never reaches the file, and CMD does not run.
func TestConfigSync_check(t *testing.T) {
	server := zktest.New(t)
	require.NoError(t, server.Put("/c/k", []byte("bad at first")))
	dir, tmp := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", tmp)
	file := filepath.Join(dir, "f.conf")
	require.NoError(t, os.WriteFile(file, []byte("old"), 0o600))
	check := `echo "checks $DOCENT_PATH $(basename "$DOCENT_FILE"): $(cat "$DOCENT_FILE")"; ` +
		`case $DOCENT_FILE in ` + dir + `/*) exit 9;; esac; ! grep -q bad "$DOCENT_FILE"`
	sync := start(t, []string{"config", "sync", "/c/k", file, "--check", check, "--", "sh", "-c", `echo "CMD $(cat "$DOCENT_FILE")"`},
		on(server))
	says(t, sync, "checks /c/k f.conf: bad at first")
	says(t, sync, "--check failed with code 1; "+file+" stays as it is, and --check runs again after the next change")
	content := func() string {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		return string(data)
	}
	require.Equal(t, "old", content())
	require.NoError(t, server.Put("/c/k", []byte("good")))
	require.Equal(t, "wrote "+file+", version 1", sync.line())
	require.Equal(t, "CMD good", sync.line())
	says(t, sync, "the file follows the key again")
	require.NoError(t, server.Put("/c/k", []byte("bad again")))
	says(t, sync, "checks /c/k f.conf: bad again")
	says(t, sync, "bad value (version 2, ")
	require.Equal(t, "good", content())
	sync.kill(syscall.SIGTERM)
	code, rest := sync.wait()
	require.Zero(t, code)
	require.Empty(t, rest)
	left, err := os.ReadDir(tmp)
	require.NoError(t, err)
	require.Empty(t, left, "no copy is left")
}

// An interruption ends a check that runs, without a line about it.
func TestConfigSync_endsAWaitingCheck(t *testing.T) {
	server := zktest.New(t)
	require.NoError(t, server.Put("/c/k", []byte("one")))
	file := filepath.Join(t.TempDir(), "f")
	sync := start(t, []string{"config", "sync", "/c/k", file, "--check", "echo runs; exec sleep 600"}, on(server))
	says(t, sync, "runs")
	sync.kill(syscall.SIGTERM)
	code, rest := sync.wait()
	require.Zero(t, code)
	require.Empty(t, rest)
	require.Equal(t, "runs\n", sync.stderr.String())
	require.NoFileExists(t, file)
}

func TestConfigSync_endsAWaitingCMD(t *testing.T) {
	server := zktest.New(t)
	require.NoError(t, server.Put("/c/k", []byte("one")))
	file := filepath.Join(t.TempDir(), "f")
	sync := start(t, []string{"--json", "config", "sync", "/c/k", file, "--", "sh", "-c", "echo runs; exec sleep 600"}, on(server))
	require.Contains(t, sync.line(), `"version":0`)
	require.Equal(t, "runs", sync.line())
	sync.kill(syscall.SIGTERM)
	code, rest := sync.wait()
	require.Zero(t, code)
	require.Empty(t, rest)
	require.Empty(t, sync.stderr.String())
}

func TestConfigSync_fileThatCannotBeWritten(t *testing.T) {
	server := zktest.New(t)
	require.NoError(t, server.Put("/c/k", []byte("one")))
	dir := filepath.Join(t.TempDir(), "d")
	file := filepath.Join(dir, "f")
	code, _, stderr := docent(t, []string{"config", "sync", "/c/k", file}, on(server))
	require.Equal(t, 1, code)
	require.True(t, strings.HasPrefix(stderr, "docent: config sync /c/k: the file cannot be written: lstat "+dir+": "), stderr)
	require.Equal(t, 1, strings.Count(stderr, "\n"))

	require.NoError(t, os.Mkdir(dir, 0o700))
	sync := start(t, []string{"config", "sync", "/c/k", file, "--remove"}, on(server))
	require.Equal(t, "wrote "+file+", version 0", sync.line())
	require.NoError(t, os.RemoveAll(dir))
	require.NoError(t, server.Put("/c/k", []byte("two")))
	require.Eventually(t, func() bool { return strings.HasSuffix(sync.stderr.String(), "\n") }, patience, ms)
	require.NoError(t, os.Mkdir(dir, 0o700))
	require.Equal(t, "wrote "+file+", version 1", sync.line(), "it is tried again")
	require.NoError(t, server.Remove("/c/k"))
	require.Equal(t, "removed "+file, sync.line())
	sync.kill(os.Interrupt)
	code, _ = sync.wait()
	require.Zero(t, code)
	require.Contains(t, sync.stderr.String(), "docent: config sync /c/k: write the file: ")
}

func TestConfigSync_usage(t *testing.T) {
	server := zktest.New(t)
	for _, c := range []struct {
		args string
		code int
		err  string
	}{
		{"config sync c f", 2, "invalid path"},
		{"config sync /c f --grace=-1s -- true", 2, "--grace -1s is negative"},
		{"config sync /c f -- no-such-command", 127, "no-such-command"},
		{"config set /c/k x --keep 0", 2, "--keep 0 is out of range; give 1 to 1000"},
		{"config rollback /c/k 1 --keep 1001", 2, "--keep 1001 is out of range"},
		{"config rollback /c/k x", 2, "x"},
		{"config rollback /c/k 7", 1, `the key's history has no such value; list the values with "docent config history"`},
		{"config history c", 2, "invalid path"},
		{"config list /c", 1, "there is no such znode"},
	} {
		code, _, stderr := docent(t, words(c.args), on(server))
		require.Equal(t, c.code, code, c.args)
		require.Contains(t, stderr, c.err, c.args)
		require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
	}
}

func TestConfigHistory(t *testing.T) {
	server := zktest.New(t)
	run := func(line string) string {
		t.Helper()
		code, out, stderr := docent(t, words(line), on(server))
		require.Zero(t, code, stderr)
		return out
	}
	require.Equal(t, "0\n", run("config set /c/k one --create --keep 3"))
	require.Equal(t, "1\n", run("config set /c/k two --keep 3"))
	require.Equal(t, "2\n", run("config set /c/k past"))
	require.Equal(t, "3\n", run("config set /c/k three --keep 3 --version 2"))
	var got []string
	ids := make(map[string]string)
	for line := range strings.Lines(run("config history /c/k")) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		require.Len(t, fields, 4)
		got = append(got, fields[2]+" "+fields[3])
		ids[fields[3]] = fields[0]
	}
	require.Equal(t, []string{"present three", "external past", "- two"}, got)
	require.Equal(t, "4\n", run("config rollback /c/k "+ids["two"]))
	require.Equal(t, "two", run("config get /c/k"))
	require.Contains(t, run("--json config history /c/k"), `"present":true,"path":"/c/k","value":"two"`)

	require.Equal(t, "k\t4\ttwo\n", run("config list /c"), "the history is no key")
	require.Contains(t, run("--json config list /c"), `{"path":"/c/k","value":"two","version":4,`)
}

// What another program could have put in the place of the file ends the command
// at once, whether there is a key or not.
func TestFault49_ConfigSyncRejectsAFIFO(t *testing.T) {
	server := zktest.New(t)
	fifo := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	code, _, stderr := docent(t, words("config sync /c/k "+fifo), on(server))
	require.Equal(t, 1, code)
	require.Equal(t, "docent: config sync /c/k: the znode /c/k does not exist yet; if it should, check the path, and the root in --servers\n"+
		"docent: config sync /c/k: the file cannot be written: "+fifo+" is a FIFO, not a regular file; remove it, or name another file\n", stderr)

	// While it runs, it is a problem that SIGTERM ends.
	require.NoError(t, server.Put("/c/k", []byte("one")))
	file := filepath.Join(t.TempDir(), "f")
	sync := start(t, words("config sync /c/k "+file), on(server))
	require.Equal(t, "wrote "+file+", version 0", sync.line())
	require.NoError(t, os.Remove(file))
	require.NoError(t, syscall.Mkfifo(file, 0o600))
	require.NoError(t, server.Put("/c/k", []byte("two")))
	require.Eventually(t, func() bool { return strings.HasSuffix(sync.stderr.String(), "\n") }, patience, ms)
	require.Equal(t, "docent: config sync /c/k: write the file: "+file+" is a FIFO, not a regular file; remove it, or name another file\n", sync.stderr.String())
	sync.kill(syscall.SIGTERM)
	code, _ = sync.wait()
	require.Zero(t, code)
}
