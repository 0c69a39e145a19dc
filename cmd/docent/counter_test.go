//go:build unix

package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

func TestCounter(t *testing.T) {
	server := zktest.New(t)
	for _, c := range []struct {
		line, out, stderr string
		code              int
	}{
		{line: "counter get /c/n", out: "0\n", code: 1, stderr: "docent: counter get /c/n: there is no such znode; "},
		{line: "counter get /c/n --json", out: `{"path":"/c/n","value":0,"exists":false}` + "\n", code: 1, stderr: "docent: counter get /c/n: there is no such znode; "},
		{line: "counter add /c/n", out: "1\n"},
		{line: "counter add /c/n 41", out: "42\n"},
		{line: "counter add /c/n -- -50", out: "-8\n"},
		{line: "counter get /c/n", out: "-8\n"},
		{line: "counter set /c/n 9223372036854775807", out: "9223372036854775807\n"},
		{line: "counter add /c/n", code: 1, stderr: "docent: counter add /c/n: "},
		{line: "counter get /c/n --layout int32", code: 1, stderr: "docent: counter get /c/n: "},
		{line: "counter set /c/m 7 --layout decimal --json", out: `{"path":"/c/m","value":7,"exists":true}` + "\n"},
		{line: "counter set /c/m 3000000000 --layout int32", code: 2, stderr: "docent: counter set /c/m: 3000000000 does not fit in 32 bits"},
		{line: "counter get n", code: 2, stderr: "docent: counter get n: "},
		{line: "counter add /c/n x", code: 2, stderr: "docent: "},
	} {
		code, out, stderr := docent(t, words(c.line), on(server))
		require.Equal(t, c.code, code, "%s: %s", c.line, stderr)
		require.Equal(t, c.out, out, c.line)
		require.True(t, strings.HasPrefix(stderr, c.stderr), "%s: %s", c.line, stderr)
		require.Equal(t, c.stderr == "", stderr == "", stderr)
	}
	_, _, stderr := docent(t, words("counter get /c/n --layout int32"), on(server))
	require.Contains(t, stderr, "it has 8 bytes, and should have 4")
}
