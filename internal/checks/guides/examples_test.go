package guides

import (
	"bytes"
	"go/ast"
	"go/doc"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What pkg.go.dev prints of an example compiles: it calls nothing that is not printed.
func TestExamples_compileAsPrinted(t *testing.T) {
	var units []*unit
	require.NoError(t, filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(text, []byte("\nfunc Example")) {
			return err
		}
		for name, printed := range printedExamples(t, string(text)) {
			name = filepath.ToSlash(path) + ": Example" + name
			if printed == "" {
				t.Errorf("%s calls what is not printed", name)
				continue
			}
			u, err := parse(name, printed, false)
			require.NoError(t, err, name)
			if rest, in := strings.CutPrefix(name, root+"/contrib/"); in { // also if it does not import the module's package
				dir, _, _ := strings.Cut(rest, "/")
				u.module = "contrib/" + dir
			}
			units = append(units, u)
		}
		return nil
	}))
	require.Greater(t, len(units), 50)
	from := importers(t, units)
	for _, u := range units {
		for _, err := range u.check(from[u.module], nil) {
			t.Errorf("%s: %v", u.name, err)
		}
	}
}

// printedExamples returns the programs that pkg.go.dev prints for the examples of a file.
// A program is empty if the example cannot be one: it uses what its file does not declare.
func printedExamples(t *testing.T, text string) map[string]string {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", text, parser.ParseComments)
	require.NoError(t, err)
	printed := make(map[string]string)
	for _, example := range doc.Examples(file) {
		printed[example.Name] = ""
		if example.Play == nil || calls(example, file) {
			continue
		}
		var out bytes.Buffer
		require.NoError(t, format.Node(&out, fset, example.Play))
		printed[example.Name] = out.String()
	}
	return printed
}

// calls: an example calls a function of its file. An editor shows the example alone.
func calls(example *doc.Example, file *ast.File) (found bool) {
	if _, whole := example.Code.(*ast.File); whole {
		return false
	}
	ast.Inspect(example.Code, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Obj != nil && id.Obj == file.Scope.Lookup(id.Name) {
			found = true
		}
		return true
	})
	return found
}

func TestPrintedExamples(t *testing.T) {
	const head = "package p_test\n\nimport \"fmt\"\n\n"
	for text, want := range map[string]bool{
		"func Example() {\n\tfmt.Println()\n}\n":                                            true,
		"func Example() {\n\tdial()\n}\n":                                                   false,
		"func Example() {\n\tdial()\n}\n\nfunc ExampleB() {}\n\nfunc dial() {}\n":           false,
		"func Example() {\n\tdial()\n\tfmt.Println()\n\t// Output:\n}\n\nfunc dial() {}\n":  true, // the whole file is printed
		"func Example() {\n\tdial := func() { fmt.Println() }\n\tdial()\n\t// Output:\n}\n": true,
	} {
		require.Equal(t, want, printedExamples(t, head+text)[""] != "", text)
	}
}
