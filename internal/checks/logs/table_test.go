package logs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var logged = regexp.MustCompile(`log\.(?:(Info|Warn|Error)\(|Log\([^"]*)"([^"]+)"`)

// docs/observability.md has a row for every line at Info and above, and only
// the session logs.
func TestLogLinesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../../docs/observability.md")
	require.NoError(t, err)
	lines := 0
	for _, dir := range []string{"internal/core", "lock", "election", "config", "naming", "groupmembership", "barrier", "queue", "counter"} {
		files, err := filepath.Glob(filepath.Join("../../..", dir, "*.go"))
		require.NoError(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			code, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, m := range logged.FindAllStringSubmatch(string(code), -1) {
				require.Equal(t, "internal/core", dir, "%s logs %q", file, m[2])
				row := "`" + m[2] + "`"
				if m[1] != "" {
					row = "| " + m[1] + " | " + row
				}
				require.Contains(t, string(page), row, file)
				lines++
			}
		}
	}
	require.NotZero(t, lines)
}
