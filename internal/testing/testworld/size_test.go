package testworld_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the race detector leaves out of make test, make simulation runs.
func TestSimulationRunsWhatRaceLeavesOut(t *testing.T) {
	const root = "../../.."
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	require.NoError(t, err)
	var patterns []string
	for _, m := range regexp.MustCompile(`(?m)^TABLES := (?:\$\(TABLES\)\|)?(.+)$`).FindAllSubmatch(makefile, -1) {
		patterns = append(patterns, string(m[1]))
	}
	tables := regexp.MustCompile("^(" + strings.Join(patterns, "|") + ")")
	packages := strings.Fields(string(regexp.MustCompile(`(?m)^TABLE_PACKAGES := (.+)$`).FindSubmatch(makefile)[1]))

	found := 0
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "recipes_test" || d.Name() == "testdata" || d.Name() == "testworld") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Test") && leavesOut(file, f) {
				found++
				require.Regexp(t, tables, f.Name.Name, "%s: name it in TABLES of the Makefile", path)
				require.Contains(t, packages, "./"+filepath.ToSlash(dir), "%s: name it in TABLE_PACKAGES of the Makefile", path)
			}
		}
		return nil
	}))
	require.Greater(t, found, 20)
}

// leavesOut says whether the test calls Sequential, or is one of docent's that
// take one case in some under the race detector.
func leavesOut(file *ast.File, test *ast.FuncDecl) bool {
	found := false
	ast.Inspect(test, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			of, ok := n.X.(*ast.Ident)
			found = found || ok && of.Name == "testworld" && n.Sel.Name == "Sequential"
		case *ast.Ident:
			found = found || file.Name.Name == "main" && n.Name == "oneIn"
		}
		return !found
	})
	return found
}
