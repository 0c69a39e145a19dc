package guides

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/checks/exportdata"
)

const ours = "github.com/docent-go/docent/"

// packages has the packages that fragments use, under the names by which they use them.
var packages = map[string]string{
	"barrier": ours + "barrier", "config": ours + "config", "counter": ours + "counter",
	"election": ours + "election", "groupmembership": ours + "groupmembership", "inspect": ours + "inspect",
	"lock": ours + "lock", "naming": ours + "naming", "queue": ours + "queue", "session": ours + "session",
	"sessiontest": ours + "sessiontest",
	"dubbo":       ours + "naming/dubbo", "httpbalance": ours + "naming/httpbalance", "zktest": ours + "zktest",
	"grpcresolver": ours + "contrib/grpcresolver", "prom": ours + "contrib/prom",
	"docentotel": ours + "contrib/otel", "docentgocron": ours + "contrib/gocron", "docentkoanf": ours + "contrib/koanf",
	"docentkratos": ours + "contrib/kratos", "kerberos": ours + "contrib/kerberos",

	"cmp": "cmp", "context": "context", "errors": "errors", "fmt": "fmt", "http": "net/http", "log": "log", "os": "os",
	"net": "net", "sql": "database/sql", "strings": "strings", "synctest": "testing/synctest", "testing": "testing", "time": "time",
	"tls": "crypto/tls", "x509": "crypto/x509",

	"grpc": "google.golang.org/grpc", "credentials": "google.golang.org/grpc/credentials", "insecure": "google.golang.org/grpc/credentials/insecure",
	"prometheus": "github.com/prometheus/client_golang/prometheus", "require": "github.com/stretchr/testify/require",
	"zk": "github.com/go-zookeeper/zk", "gocron": "github.com/go-co-op/gocron/v2", "koanf": "github.com/knadh/koanf/v2",
	"json": "github.com/knadh/koanf/parsers/json", "atomic": "sync/atomic",
	"kratos": "github.com/go-kratos/kratos/v2", "kconfig": "github.com/go-kratos/kratos/v2/config",
	"kgrpc": "github.com/go-kratos/kratos/v2/transport/grpc",
}

// unit is a file that is compiled.
type unit struct {
	name   string
	text   string
	loose  bool   // a fragment: it need not use what its own statements declare (see unfinished)
	module string // whose packages it imports: a directory of the repository
	file   *ast.File
	fset   *token.FileSet
}

// parse reads a file. It imports the packages that a fragment uses and does not name.
func parse(name, text string, fragment bool) (*unit, error) {
	u := &unit{name: name, text: text, loose: fragment}
	if err := u.read(); err != nil {
		return nil, err
	}
	if fragment {
		var imports []string
		used := make(map[string]bool)
		for _, id := range u.file.Unresolved {
			used[id.Name] = true
		}
		for _, p := range slices.Sorted(maps.Keys(used)) {
			if path := packages[p]; path != "" {
				imports = append(imports, fmt.Sprintf("import %s %q; ", p, path))
			}
		}
		// On the line of the package clause, so that the lines keep their numbers.
		first, rest, _ := strings.Cut(text, "\n")
		u.text = first + "; " + strings.Join(imports, "") + "\n" + rest
		if err := u.read(); err != nil {
			return nil, err
		}
	}
	u.module = "."
	for _, path := range u.imports() {
		if rest, ok := strings.CutPrefix(path, ours+"contrib/"); ok {
			u.module = "contrib/" + rest
		}
	}
	return u, nil
}

func (u *unit) read() (err error) {
	u.fset = token.NewFileSet()
	u.file, err = parser.ParseFile(u.fset, u.name, u.text, parser.ParseComments)
	return err
}

func (u *unit) imports() (paths []string) {
	for _, spec := range u.file.Imports {
		if path, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, path)
		}
	}
	return paths
}

// check type-checks a file, and returns what the compiler would say.
func (u *unit) check(from types.Importer, info *types.Info) (said []error) {
	conf := types.Config{Importer: from, Error: func(err error) {
		if !u.loose || !u.unfinished(err) {
			said = append(said, err)
		}
	}}
	_, _ = conf.Check("p", u.fset, []*ast.File{u.file}, info) // Error has been told
	return said
}

// unfinished: the error is a variable that a statement of the fragment itself
// declares, and that nothing uses. The reader's code goes on and uses it. A
// block within the fragment is whole, and has to use its variables.
func (u *unit) unfinished(err error) bool {
	var at types.Error
	if !errors.As(err, &at) || !strings.HasPrefix(at.Msg, "declared and not used: ") {
		return false
	}
	for _, d := range u.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Name.Name != "_" {
			continue
		}
		for _, statement := range f.Body.List {
			switch s := statement.(type) {
			case *ast.AssignStmt:
				for _, left := range s.Lhs {
					if left.Pos() == at.Pos {
						return true
					}
				}
			case *ast.DeclStmt:
				if s.Pos() <= at.Pos && at.Pos < s.End() {
					return true
				}
			}
		}
	}
	return false
}

// importers returns an importer for each module, of the packages that the files
// import.
func importers(t *testing.T, units []*unit) map[string]types.Importer {
	t.Helper()
	wanted := make(map[string]map[string]bool)
	for _, u := range units {
		if wanted[u.module] == nil {
			wanted[u.module] = make(map[string]bool)
		}
		for _, path := range u.imports() {
			wanted[u.module][path] = true
		}
	}
	from := make(map[string]types.Importer)
	for module, paths := range wanted {
		packages, err := exportdata.Load(t.Context(), filepath.Join(root, filepath.FromSlash(module)), slices.Sorted(maps.Keys(paths))...)
		require.NoError(t, err)
		from[module] = packages
	}
	return from
}
