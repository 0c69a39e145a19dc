package guides

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	exportedCallback = regexp.MustCompile(`(?m)^(\S+): func ((?:On|After)[A-Z]\w*)\(f func`)
	callbackRow      = regexp.MustCompile("(?m)^\\| `(\\w+)\\.((?:On|After)\\w+)` \\| .+ \\| (one|several) \\|$")
)

// docs/api.md has a row for each option that sets a callback, and the comment of
// the option says the same: who calls it, how many calls there are at a time, and
// that they are waited for.
func TestCallbacksKeepOneContract(t *testing.T) {
	const root = "../../.."
	page, err := os.ReadFile(filepath.Join(root, "docs/api.md"))
	require.NoError(t, err)
	rows := make(map[string]string)
	for _, m := range callbackRow.FindAllStringSubmatch(string(page), -1) {
		rows[m[1]+"."+m[2]] = m[3]
	}
	exported, err := os.ReadFile(filepath.Join(root, "docs/api/docent.txt"))
	require.NoError(t, err)
	for _, m := range exportedCallback.FindAllStringSubmatch(string(exported), -1) {
		name := m[1] + "." + m[2]
		calls, found := rows[name]
		require.True(t, found, "docs/api.md has no row for %s", name)
		delete(rows, name)
		comment := strings.Join(strings.Fields(commentOf(t, filepath.Join(root, m[1]), m[2])), " ")
		require.Contains(t, comment, "waits for f", name)
		require.Contains(t, comment, map[string]string{"one": "one call at a time", "several": "several calls at a time"}[calls], name)
		require.Equal(t, m[2] == "OnProblem", strings.Contains(comment, "f(nil)"), name)
	}
	require.Empty(t, rows, "docs/api.md has rows for what is not exported")
}

// commentOf returns the comment of a function of the package in a directory.
func commentOf(t *testing.T, dir, function string) string {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, decl := range parsed.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Name.Name == function && f.Recv == nil {
				return f.Doc.Text()
			}
		}
	}
	t.Fatalf("%s has no %s", dir, function)
	return ""
}
