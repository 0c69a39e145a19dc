package contrib

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"testing"

	"github.com/stretchr/testify/require"
)

// The modules of contrib have versions of their own, and share no package. What
// both adapters of metrics need is in each of them, with the same code.
func TestTwinsAreTheSame(t *testing.T) {
	for _, file := range []string{"labels.go", "names.go"} {
		require.Equal(t, codeOf(t, "../../contrib/otel/"+file), codeOf(t, "../../contrib/prom/"+file), file)
	}
}

// codeOf returns the declarations of a file without comments and imports.
func codeOf(t *testing.T, file string) string {
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, nil, 0)
	require.NoError(t, err)
	var code bytes.Buffer
	for _, decl := range parsed.Decls {
		if imports, is := decl.(*ast.GenDecl); is && imports.Tok == token.IMPORT {
			continue
		}
		require.NoError(t, printer.Fprint(&code, set, decl))
		code.WriteByte('\n')
	}
	require.NotEmpty(t, code.String())
	return code.String()
}
