package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The programs in the guide for beginners are complete: each is built.
func TestGettingStarted_programsBuild(t *testing.T) {
	guide, err := os.ReadFile("../../docs/getting-started.md")
	require.NoError(t, err)
	blocks := strings.Split(string(guide), "```go\n")[1:]
	require.Len(t, blocks, 3)
	dir := t.TempDir()
	for i, block := range blocks {
		program, _, ended := strings.Cut(block, "```")
		require.True(t, ended)
		file := filepath.Join(dir, fmt.Sprintf("program%d.go", i))
		require.NoError(t, os.WriteFile(file, []byte(program), 0o600))
		out, err := exec.Command("go", "vet", file).CombinedOutput()
		require.NoError(t, err, "%s", out)
		out, err = exec.Command("gofmt", "-l", file).CombinedOutput()
		require.NoError(t, err)
		require.Empty(t, string(out), "not formatted")
	}
}
