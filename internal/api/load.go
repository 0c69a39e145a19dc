package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// pkg is a public package: its compiled declarations, and the directory of its source.
type pkg struct {
	types *types.Package
	dir   string
}

// load has the go command compile a module, and reads the public packages.
func load(module string) ([]pkg, error) {
	cmd := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}\t{{.Name}}\t{{.DepOnly}}\t{{.Dir}}", "./...")
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "GOWORK=off") // as users of the one module have it
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, said.String())
	}
	exports, public := make(map[string]string), make(map[string]string)
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		exports[f[0]] = f[1]
		if f[2] != "main" && f[3] == "false" && !hidden(f[0]) {
			public[f[0]] = f[4]
		}
	}
	from := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("%s: %w", path, errors.ErrUnsupported)
		}
		return os.Open(exports[path])
	})
	var found []pkg
	for path, dir := range public {
		compiled, err := from.Import(path)
		if err != nil {
			return nil, err
		}
		found = append(found, pkg{types: compiled, dir: dir})
	}
	slices.SortFunc(found, func(a, b pkg) int { return strings.Compare(a.types.Path(), b.types.Path()) })
	return found, nil
}

// hidden: examples are programs to read, whatever their packages export.
func hidden(path string) bool {
	parts := strings.Split(path, "/")
	return slices.Contains(parts, "internal") || slices.Contains(parts, "examples")
}
