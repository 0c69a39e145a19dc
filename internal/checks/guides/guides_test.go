package guides

import (
	"go/ast"
	"go/types"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every block of Go in the guides and in the documentation of packages compiles, and is formatted.
func TestGuides_blocksCompile(t *testing.T) {
	blocks := make(map[*unit]block)
	for _, page := range append(pages(t), docPages(t)...) {
		for _, b := range goBlocks(t, page) {
			if err := formatted(b); err != nil {
				t.Error(err)
			}
			if quoted(t, b) {
				continue
			}
			u, err := parse(b.String(), source(b, preambles[page]), !b.program())
			if err != nil {
				t.Errorf("%v: %v", b, err)
				continue
			}
			blocks[u] = b
		}
	}
	require.Greater(t, len(blocks), 50)
	from := importers(t, slices.Collect(maps.Keys(blocks)))
	used := make(map[string]map[string]bool)
	for u, b := range blocks {
		info := &types.Info{Uses: make(map[*ast.Ident]types.Object)}
		for _, err := range u.check(from[u.module], info) {
			t.Errorf("%v: %v", b, err)
		}
		if used[b.page] == nil {
			used[b.page] = make(map[string]bool)
		}
		for _, o := range info.Uses {
			if o.Pkg() != nil && o.Parent() == o.Pkg().Scope() {
				used[b.page][o.Name()] = true
			}
		}
	}
	for page, preamble := range preambles {
		for _, name := range declared(t, preamble) {
			require.Empty(t, packages[name], "the preamble of %s hides package %s", page, name)
			require.True(t, used[page][name], "nothing in %s uses %s of its preamble", page, name)
		}
	}
}

// declared returns the names that a preamble declares.
func declared(t *testing.T, preamble string) []string {
	t.Helper()
	u, err := parse("preamble", "package p\n"+preamble, true)
	require.NoError(t, err)
	return slices.Collect(maps.Keys(u.file.Scope.Objects))
}

// A fragment that is wrong in any of these ways is found.
func TestGuides_brokenBlocksAreFound(t *testing.T) {
	const preamble = "var ctx context.Context; var sm *session.Manager; var m *lock.Mutex; func work(context.Context) error"
	broken := map[string]string{
		"a function that is gone":          "m := lock.NewFair(sm, \"/x\")\n",
		"a method that is gone":            "err := m.Acquire(ctx)\n",
		"an option of another package":     "m := lock.NewMutex(sm, \"/x\", election.ID(\"a\"))\n",
		"too few results":                  "h := m.Lock(ctx)\n",
		"too many arguments":               "err := m.Do(ctx, work, 1)\n",
		"another type":                     "err := m.Do(ctx, func() error { return nil })\n",
		"a field that is gone":             "sm, err := session.Dial(ctx, session.Config{Host: \"zk1\"})\n",
		"a helper that nobody declares":    "play(ctx)\n",
		"a package that nobody lists":      "rope.Pull(ctx)\n",
		"a name that is declared twice":    "a, err := m.Lock(ctx)\na, err := m.TryLock(ctx)\n",
		"an unused variable in a block":    "if path := m.Path(); path != \"\" {\n\terr := work(ctx)\n}\n",
		"an unused variable in a function": "work := func() {\n\terr := work(ctx)\n}\n",
		"three dots":                       "m.Lock(ctx)\n...\n",
		"a value that is no statement":     "m.Path\n",
		"a declaration that does not fit":  "func f() *lock.Mutex { return sm }\n",
		"a program that uses too little":   "package main\n\nfunc main() {\n\tx := 1\n}\n",
		"a program without its imports":    "package main\n\nfunc main() { fmt.Println() }\n",
		"a program that imports too much":  "package main\n\nimport \"os\"\n\nfunc main() {}\n",
		"a program with a package unknown": "package main\n\nimport _ \"github.com/docent-go/docent/rope\"\n\nfunc main() {}\n",
	}
	sound := map[string]string{
		"statements":           "h, err := m.Lock(ctx)\nif err != nil {\n\treturn err\n}\ndefer h.Release()\n",
		"an unused variable":   "h, err := m.Lock(ctx)\n",
		"a hidden variable":    "m := lock.NewRWMutex(sm, \"/x\")\nerr := m.RDo(ctx, nil)\n",
		"declarations":         "func f() *lock.Mutex { return m }\n",
		"a program":            "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println() }\n",
		"contrib":              "metrics := prom.New()\nsm, err := session.Dial(ctx, session.Config{Hooks: []session.Hook{metrics}})\n",
		"a type and its use":   "type T struct{ N int }\nv, err := config.Open(ctx, sm, \"/x\", config.JSON[T]())\nn := v.Load().Value.N\n",
		"an own one of theirs": "if err := work(ctx); err != nil {\n\treturn err\n}\n",
	}
	var units []*unit
	unparsed := make(map[string]bool)
	for _, table := range []map[string]string{broken, sound} {
		for what, text := range table {
			b := block{page: "x.md", line: 1, text: text}
			u, err := parse(what, source(b, preamble), !b.program())
			if err != nil {
				unparsed[what] = true
				continue
			}
			units = append(units, u)
		}
	}
	require.Equal(t, map[string]bool{"three dots": true}, unparsed)
	from := importers(t, units)
	for _, u := range units {
		said := u.check(from[u.module], nil)
		if sound[u.name] != "" {
			require.Empty(t, said, u.name)
		} else {
			require.NotEmpty(t, said, u.name)
		}
	}
}
