package verbs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// verbs are the first words of operations. An operation is the verb of the
// method that the user called, and its object if the verb alone is not clear.
var verbs = words(`
	acknowledge acquire add campaign check claim compare consume count create delete discard downgrade drain end enter find
	get guard inspect join leave lift list lock open pick prepare publish put read redrive register reject release remove replace resign resize
	revoke roll run set start sync take transfer try undrain unregister update wait watch`)

// requests are operations of a Manager that are ZooKeeper's own names.
var requests = words("confirm exists commit")

func words(text string) map[string]bool {
	all := make(map[string]bool)
	for _, word := range strings.Fields(text) {
		all[word] = true
	}
	return all
}

// roots are the directories whose errors users of the library get.
var roots = []string{
	"barrier", "config", "counter", "election", "groupmembership", "inspect", "lock", "naming", "queue", "session",
	"internal/core", "internal/recipe",
}

func TestOperationsBeginWithAVerb(t *testing.T) {
	fset := token.NewFileSet()
	packages := make(map[string][]*ast.File)
	for _, root := range roots {
		require.NoError(t, filepath.WalkDir(filepath.Join("../../..", root), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(fset, path, nil, 0)
			packages[filepath.Dir(path)] = append(packages[filepath.Dir(path)], file)
			return err
		}))
	}
	met := make(map[string]bool)
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		for _, at := range operations(packages[dir]) {
			where := fset.Position(at.pos)
			if !at.known {
				t.Errorf("%v: the operation of this error is neither a constant nor a parameter", where)
				continue
			}
			met[first(at.op)] = true
			if !sound(at.op) {
				t.Errorf("%v: the operation %q does not begin with a verb: name the method that the user called, then its object", where, at.op)
			}
		}
	}
	for _, word := range slices.Sorted(maps.Keys(verbs)) {
		if !met[word] && word != "try" {
			t.Errorf("no operation begins with %q: remove it from the list", word)
		}
	}
	require.Greater(t, len(met), 30, "the operations are found")
}

// The check finds operations in literals, constants and arguments.
func TestTheCheckFindsOperations(t *testing.T) {
	for text, want := range map[string][]string{
		`func f() error { return core.Failed("queue put", p, err) }`:  {"queue put"},
		`func f() error { return &core.OpError{Op: "get", Path: p} }`: {"get"},
		`func f() error { return &OpError{"get", p, 0, err} }`:        {"get"},
		`func f() error { return x.failed("put") + failed(err) }; func failed(err error) error { return err }; func (x *X) failed(op string) error { return core.Failed(op, p, err) }`: {"put"},
		`func f() error { return g[int](c, "len") }; func g[T any](c C, v string) error { return h(v) }
		 func h(op string) error { return core.Failed(op, p, err) }`: {"len"},
		`func f() error { return core.Failed(name(), p, err) }; func name() string { if x { return "a" }; return "b" }`: {"a", "b"},
		`const op = "a b"; func f() error { return core.Failed(op, p, err) }`:                                           {"a b"},
		`func f() error { const op = "a c"; return core.Failed(op, p, err) }`:                                           {"a c"},
		`func f(v string) error { return core.Failed("queue "+v, p, err) }`:                                             {"?"},
		`func f() error { return core.Failed(name(), p, err) }`:                                                         {"?"},
		`func f(e *OpError) error { return &OpError{e.Op, e.Path, 0, err} }`:                                            nil,
		`func f() string { return failed("no operation") }; func failed(op string) string { return op }`:                nil,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+text, 0)
		require.NoError(t, err)
		var got []string
		for _, at := range operations([]*ast.File{file}) {
			if !at.known {
				at.op = "?"
			}
			got = append(got, at.op)
		}
		require.Equal(t, want, got, text)
	}
	for op, want := range map[string]bool{
		"lock": true, "try lock": true, "take from queue": true, "exists": true,
		"queue take": false, "read": true, "try": false, "try queue": false, "": false, "Lock": false,
	} {
		require.Equal(t, want, sound(op), op)
	}
}

// first returns the verb of an operation: its first word after "try".
func first(op string) string {
	word, _, _ := strings.Cut(strings.TrimPrefix(op, "try "), " ")
	return word
}

func sound(op string) bool {
	word := first(op)
	return word != "try" && (verbs[word] || requests[word])
}

// operation is an operation that an error is made with.
type operation struct {
	op    string
	known bool
	pos   token.Pos
}

// sink is a parameter of a function that becomes the operation of an error. The
// kind and the number of the parameters tell functions of one name apart.
type sink struct {
	method        bool
	name          string
	params, index int
}

// operations returns what the files of a package give for the operations of
// their errors. It follows the parameters of functions within the package.
func operations(files []*ast.File) (all []operation) {
	constants, results := make(map[string]string), make(map[string][]ast.Expr)
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				for i, value := range n.Values {
					if text, ok := literal(value); ok {
						constants[n.Names[i].Name] = text
					}
				}
			case *ast.FuncDecl:
				results[n.Name.Name] = append(results[n.Name.Name], returned(n)...)
			}
			return true
		})
	}
	sinks := make(map[sink]bool)
	for more := true; more; { // until a pass finds no further sink
		all, more = nil, false
		for _, file := range files {
			for _, decl := range file.Decls {
				fun, ok := decl.(*ast.FuncDecl)
				if !ok || fun.Body == nil {
					continue
				}
				ast.Inspect(fun.Body, func(n ast.Node) bool {
					for _, arg := range given(n, sinks) {
						at := sink{fun.Recv != nil, fun.Name.Name, fun.Type.Params.NumFields(), parameter(fun, arg)}
						switch {
						case copied(arg):
						case at.index < 0:
							all = append(all, values(arg, constants, results)...)
						case !sinks[at]:
							sinks[at], more = true, true
						}
					}
					return true
				})
			}
		}
	}
	return all
}

// values returns what an expression can be: a literal, a constant, or the
// literals that a function of the package returns.
func values(arg ast.Expr, constants map[string]string, results map[string][]ast.Expr) (all []operation) {
	op, known := literal(arg)
	switch x := arg.(type) {
	case *ast.Ident:
		op, known = constants[x.Name]
	case *ast.CallExpr:
		for _, value := range results[name(x.Fun)] {
			all = append(all, values(value, constants, nil)...)
		}
	}
	if len(all) == 0 {
		all = []operation{{op, known, arg.Pos()}}
	}
	return all
}

// returned returns what a function with one result returns.
func returned(f *ast.FuncDecl) (all []ast.Expr) {
	if f.Body == nil {
		return nil
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if ret, ok := n.(*ast.ReturnStmt); ok && len(ret.Results) == 1 {
			all = append(all, ret.Results[0])
		}
		return true
	})
	return all
}

// given returns the expressions in a node that become the operation of an
// error.
func given(n ast.Node, sinks map[sink]bool) (args []ast.Expr) {
	switch n := n.(type) {
	case *ast.CompositeLit:
		if name(n.Type) != "OpError" {
			return nil
		}
		for i, part := range n.Elts {
			field, keyed := part.(*ast.KeyValueExpr)
			switch {
			case keyed && name(field.Key) == "Op":
				args = append(args, field.Value)
			case !keyed && i == 0:
				args = append(args, part)
			}
		}
	case *ast.CallExpr:
		_, method := n.Fun.(*ast.SelectorExpr)
		fun := name(n.Fun)
		for i, arg := range n.Args {
			if sinks[sink{method, fun, len(n.Args), i}] || fun == "Failed" && i == 0 {
				args = append(args, arg)
			}
		}
	}
	return args
}

// name returns the last name of a type or of a function, without its package,
// its receiver and its type arguments.
func name(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		return x.Sel.Name
	case *ast.IndexExpr:
		return name(x.X)
	case *ast.IndexListExpr:
		return name(x.X)
	}
	return ""
}

// copied reports whether an expression copies the operation of another error.
func copied(arg ast.Expr) bool {
	field, ok := arg.(*ast.SelectorExpr)
	return ok && field.Sel.Name == "Op"
}

func literal(x ast.Expr) (string, bool) {
	lit, ok := x.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// parameter returns the index of the function's parameter of type string that
// an expression names, or -1.
func parameter(f *ast.FuncDecl, arg ast.Expr) int {
	id, ok := arg.(*ast.Ident)
	if !ok {
		return -1
	}
	i := 0
	for _, field := range f.Type.Params.List {
		for _, n := range field.Names {
			if n.Name == id.Name && name(field.Type) == "string" {
				return i
			}
			i++
		}
	}
	return -1
}
