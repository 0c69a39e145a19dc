//go:build unix

package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Without --verbose the session's warnings are not printed: the command says in
// its own words what has happened, in one line.
func TestProcess_logsNothing(t *testing.T) {
	t.Parallel()
	t.Run("demo", func(t *testing.T) { // where sessions are lost
		t.Parallel()
		p := startProcess(t, "", "", "demo")
		code, _ := p.wait()
		require.Zero(t, code)
		require.Empty(t, p.stderr.String())
	})
	t.Run("unreachable", func(t *testing.T) { // for longer than a Dial is silent
		t.Parallel()
		p := startProcess(t, "127.0.0.1:1", "", words("leader /e --connect-timeout 4s")...)
		code, _ := p.wait()
		require.Equal(t, 69, code)
		require.Regexp(t, `^docent: [^\n]+\n$`, p.stderr.String())
	})
}
