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

// buildPrograms vets every block of Go in a page: each is a complete program.
func buildPrograms(t *testing.T, page string, want int) {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	blocks := strings.Split(string(text), "```go\n")[1:]
	require.Len(t, blocks, want)
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

func TestGettingStarted_programsBuild(t *testing.T) {
	buildPrograms(t, "../../docs/getting-started.md", 3)
}

func TestREADME_programsBuild(t *testing.T) {
	buildPrograms(t, "../../README.md", 3)
}
