package arrows_test

import (
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

const (
	module = "github.com/docent-go/docent/"
	client = "github.com/go-zookeeper/zk"
)

// edge is an import: from the directory of a package, to another directory of the
// repository, or to the client.
type edge struct{ from, to string }

// rule forbids some imports.
type rule struct {
	says    string
	forbids func(edge) bool
	// except lists the imports that break the rule today, each with the reason.
	// A directory includes its subdirectories.
	except map[edge]string
}

// shared are the packages that recipes share.
var shared = []string{"internal/recipe/waitqueue", "internal/recipe/views", "internal/recipe/onenode", "internal/recipe/recognise", "internal/recipe/standing"}

var recipes = []string{"barrier", "config", "counter", "election", "groupmembership", "lock", "naming", "queue"}

var rules = []rule{
	{
		says: "no recipe imports another",
		forbids: func(e edge) bool {
			from, to := recipe(e.from), recipe(e.to)
			return from != "" && to != "" && from != to
		},
	},
	{
		says:    "a module in contrib imports public packages only, so that it can have versions of its own",
		forbids: func(e edge) bool { return within(e.from, "contrib") && within(e.to, "internal") },
	},
	{
		says: "internal/core is a session as recipes need it, and knows neither the recipes nor the packages they share",
		forbids: func(e edge) bool {
			return e.from == "internal/core" && (e.to == "session" || recipe(e.to) != "" || slices.Contains(shared, e.to))
		},
	},
	{
		says: "the packages that recipes share work with internal/core: only the recipes know the user's session",
		forbids: func(e edge) bool {
			return slices.Contains(shared, e.from) && (e.to == "session" || e.to == "internal/bridge")
		},
	},
	{
		says:    "session is a facade over internal/core",
		forbids: func(e edge) bool { return e.from == "session" && ours(e.to) },
		except: map[edge]string{
			{"session", "internal/core"}:        "the implementation",
			{"session", "internal/base/misuse"}: "the panic for a zero Manager",
			{"session", "internal/sasl"}:        "the built-in mechanism",
		},
	},
	{
		says:    "internal/conn is one connection, and knows no session",
		forbids: func(e edge) bool { return e.from == "internal/conn" && ours(e.to) },
		except: map[edge]string{
			{"internal/conn", "internal/sasl"}: "the tokens of a login",
			{"internal/conn", "internal/wire"}: "requests and answers",
		},
	},
	{
		says:    "internal/wire is the protocol in bytes, and knows nothing of Docent",
		forbids: func(e edge) bool { return e.from == "internal/wire" && ours(e.to) },
	},
	{
		says:    "zktest can be used without the rest of Docent: it knows only the protocol",
		forbids: func(e edge) bool { return e.from == "zktest" && ours(e.to) },
		except: map[edge]string{
			{"zktest", "internal/wire"}: "client and server speak one protocol",
		},
	},
	{
		says:    "sessiontest shows users how a test opens sessions: it needs nothing that they cannot import",
		forbids: func(e edge) bool { return e.from == "sessiontest" && ours(e.to) },
		except: map[edge]string{
			{"sessiontest", "session"}: "the sessions",
			{"sessiontest", "zktest"}:  "the server",
		},
	},
	{
		says:    "users, and packages built on session, need no ZooKeeper client of their own",
		forbids: func(e edge) bool { return e.to == client },
		except: map[edge]string{
			{"internal/core", client}: "the client opens and keeps the connections",
			{"session", client}:       "Stat and ACL are the client's, so that a program may use both",
			{"bench", client}:         "the benchmark measures the bare client beside Docent",
		},
	},
	{
		says: "internal/base is small things without a floor of their own: it knows nothing above",
		forbids: func(e edge) bool {
			return within(e.from, "internal/base") && ours(e.to) && !within(e.to, "internal/base")
		},
	},
	{
		says: "tests and checks are for tests",
		forbids: func(e edge) bool {
			return (within(e.to, "internal/testing") || within(e.to, "internal/checks")) &&
				!within(e.from, "internal/testing") && !within(e.from, "internal/checks")
		},
	},
}

// Every import outside of tests keeps the rules, and every exception is still
// needed.
func TestArrows(t *testing.T) {
	edges := imports(t, "../../..")
	for _, dir := range []string{"bench", "cmd/docent", "contrib/prom", "examples/service", "lock", "session", "zktest"} {
		require.True(t, slices.ContainsFunc(edges, func(e edge) bool { return e.from == dir }), "imports of %s are found", dir)
	}
	for _, r := range rules {
		for _, fault := range r.faults(edges) {
			t.Errorf("%s: %s", r.says, fault)
		}
	}
}

// A rule finds imports that break it, and exceptions that no import needs.
func TestArrowsAreChecked(t *testing.T) {
	for _, broken := range []struct {
		rule int
		edge edge
	}{
		{0, edge{"lock", "queue"}},
		{0, edge{"naming/httpbalance", "lock"}},
		{1, edge{"contrib/prom", "internal/base/once"}},
		{2, edge{"internal/core", "session"}},
		{2, edge{"internal/core", "internal/recipe/waitqueue"}},
		{3, edge{"internal/recipe/waitqueue", "internal/bridge"}},
		{4, edge{"session", "internal/conn"}},
		{5, edge{"internal/conn", "internal/core"}},
		{6, edge{"internal/wire", "internal/base/znode"}},
		{7, edge{"zktest", "session"}},
		{8, edge{"sessiontest", "internal/bridge"}},
		{9, edge{"lock", client}},
		{9, edge{"sessiontest", client}},
		{10, edge{"internal/base/owner", "session"}},
		{11, edge{"lock", "internal/testing/testworld"}},
	} {
		r := rules[broken.rule]
		sound := slices.Collect(maps.Keys(r.except))
		require.Empty(t, r.faults(sound), r.says)
		require.Equal(t, []string{broken.edge.from + " imports " + broken.edge.to}, r.faults(append(sound, broken.edge)), r.says)
	}
	for _, allowed := range []edge{{"naming/httpbalance", "naming"}, {"lock", "internal/recipe/waitqueue"}, {"inspect", "naming"}} {
		require.Empty(t, rules[0].faults([]edge{allowed}))
	}
	require.Equal(t, []string{"no import needs the exception: bench imports " + client},
		rules[9].faults([]edge{{"session", client}, {"internal/core", client}}))
	require.Empty(t, rules[9].faults([]edge{{"session/inner", client}, {"internal/core", client}, {"bench/etcd", client}}), "a directory includes its subdirectories")
}

// faults returns the imports that break the rule, and the unused exceptions.
func (r rule) faults(edges []edge) (faults []string) {
	used := make(map[edge]bool)
	for _, e := range edges {
		if !r.forbids(e) {
			continue
		}
		excepted := false
		for exception := range r.except {
			if within(e.from, exception.from) && within(e.to, exception.to) {
				used[exception], excepted = true, true
			}
		}
		if !excepted {
			faults = append(faults, e.from+" imports "+e.to)
		}
	}
	for exception := range r.except {
		if !used[exception] {
			faults = append(faults, "no import needs the exception: "+exception.from+" imports "+exception.to)
		}
	}
	slices.Sort(faults)
	return faults
}

// imports returns the imports, of the repository's packages and of the client,
// by all files below root that are not tests.
func imports(t *testing.T, root string) []edge {
	found := make(map[edge]bool)
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || path != root && strings.HasPrefix(d.Name(), ".")):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			to, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if here, ok := strings.CutPrefix(to, module); ok || within(to, client) {
				found[edge{filepath.ToSlash(dir), here}] = true
			}
		}
		return nil
	}))
	return slices.Collect(maps.Keys(found))
}

// within reports whether path is dir or below it.
func within(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// ours reports whether an import is one of the repository's packages.
func ours(to string) bool { return to != client }

// recipe returns the recipe that a package belongs to, or "".
func recipe(path string) string {
	first, _, _ := strings.Cut(path, "/")
	if slices.Contains(recipes, first) {
		return first
	}
	return ""
}
