package testworld

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// exported is the exported API of a package.
type exported struct {
	funcs          map[string]bool
	types          map[string]bool // types with exported methods
	pointerMethods map[string]bool // "Type.Method", if the method has a pointer receiver
}

// exportedHere reads the package in whose directory the test runs.
func exportedHere(t *testing.T) exported {
	t.Helper()
	has := exported{make(map[string]bool), make(map[string]bool), make(map[string]bool)}
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, entry := range files {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), entry.Name(), nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Name.IsExported() {
				has.add(f)
			}
		}
	}
	return has
}

func (has *exported) add(f *ast.FuncDecl) {
	if f.Recv == nil {
		has.funcs[f.Name.Name] = true
		return
	}
	of := f.Recv.List[0].Type
	star, isPointer := of.(*ast.StarExpr)
	if isPointer {
		of = star.X
	}
	if generic, ok := of.(*ast.IndexExpr); ok {
		of = generic.X
	}
	name, ok := of.(*ast.Ident)
	if !ok || !name.IsExported() {
		return
	}
	has.types[name.Name] = true
	if isPointer {
		has.pointerMethods[name.Name+"."+f.Name.Name] = true
	}
}

var lastName = regexp.MustCompile(`\.(\w+)(?:\[\.\.\.\])?(?:\.func\d+)?$`)

// funcName returns the name of an exported function. The name of a generic
// function, a closure over its types, contains the name of the test too.
func funcName(f reflect.Value) string {
	full := runtime.FuncForPC(f.Pointer()).Name()
	if m := lastName.FindStringSubmatch(full); m != nil {
		return m[1]
	}
	return full
}

// bare returns the name of a generic type without its parameters.
func bare(name string) string {
	name, _, _ = strings.Cut(name, "[")
	return name
}
