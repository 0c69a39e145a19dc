package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The programs in the guide to naming are complete: each is built.
func TestNamingGuide_programsBuild(t *testing.T) {
	guide, err := os.ReadFile("../../docs/naming.md")
	require.NoError(t, err)
	programs := strings.Split(string(guide), "```go\npackage main\n")[1:]
	require.Len(t, programs, 2)
	dir := t.TempDir()
	for i, block := range programs {
		program, _, ended := strings.Cut(block, "```")
		require.True(t, ended)
		file := filepath.Join(dir, "program"+strconv.Itoa(i)+".go")
		require.NoError(t, os.WriteFile(file, []byte("package main\n"+program), 0o600))
		out, err := exec.Command("go", "vet", file).CombinedOutput()
		require.NoError(t, err, "%s", out)
		out, err = exec.Command("gofmt", "-l", file).CombinedOutput()
		require.NoError(t, err)
		require.Empty(t, string(out), "not formatted")
	}
}
