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

// The script of the sidecar in deploy/kubernetes renews the file while it leads,
// and removes it when the leadership ends. Programs in place of mv, rm and sleep
// say what it does.
func TestLeadScript(t *testing.T) {
	script, err := filepath.Abs("../../deploy/kubernetes/lead.sh")
	require.NoError(t, err)
	programs, file := t.TempDir(), filepath.Join(t.TempDir(), "term")
	for name, does := range map[string]string{
		"mv":    `/bin/mv "$@" && echo renewed "$(cat "$2")"`,
		"rm":    `/bin/rm "$@" && echo removed`,
		"sleep": `[ "$1" = 1 ] && exec /bin/sleep 0.01`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(programs, name), []byte("#!/bin/sh\n"+does+"\n"), 0o755))
	}
	server := zktest.New(t)
	d := start(t, words("elect /e -- /bin/sh", script, file), on(server), env("PATH="+programs+":"+os.Getenv("PATH")))
	token := d.line()
	require.Regexp(t, `^renewed \d+$`, token)
	require.Equal(t, token, d.line(), "the file is renewed in the same term")

	server.Expire(only(t, server))
	again := token
	for again == token {
		again = d.line()
	}
	require.Equal(t, "removed", again, "the file goes before the next term begins")
	again = d.line()
	require.Regexp(t, `^renewed \d+$`, again)
	require.NotEqual(t, token, again)

	d.kill(syscall.SIGTERM)
	code, rest := d.wait()
	require.Equal(t, 143, code)
	require.Equal(t, "removed", rest[len(rest)-1])
	require.NoFileExists(t, file)
	require.Contains(t, d.stderr.String(), "CMD ended with code 0", strings.Join(rest, "\n"))
}
