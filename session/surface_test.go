package session_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A hold shows what its owner needs, and nothing that could forge, move or break it: the
// functions for that are internal/core's. Whatever embeds a hold shows the same.
func TestFault07_HoldsCannotBeForged(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var methods []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if ok && f.Recv != nil && f.Name.IsExported() && receiver(f) == "Hold" {
				methods = append(methods, f.Name.Name)
			}
		}
	}
	require.ElementsMatch(t, []string{
		"Context", "Deadline", "Done", "Err", "Format", "Guard", "Path", "Release", "Session", "Token",
	}, methods)
}

// receiver returns the name of a method's type.
func receiver(f *ast.FuncDecl) string {
	of := f.Recv.List[0].Type
	if pointer, ok := of.(*ast.StarExpr); ok {
		of = pointer.X
	}
	if name, ok := of.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}
