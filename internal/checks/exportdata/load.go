// Package exportdata loads compiled packages, with the types that they export.
// The tools and tests use it that look at this repository as its users do.
package exportdata

import (
	"bytes"
	"context"
	"encoding/json"
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

// Package is a package of the repository.
type Package struct {
	Path string
	Name string
	Dir  string // of its source
}

// Public reports whether programs of other modules can import the package.
func (p Package) Public() bool { return p.Name != "main" && !Internal(p.Path) }

// Internal reports whether a path has an element "internal".
func Internal(path string) bool { return slices.Contains(strings.Split(path, "/"), "internal") }

// Module is the compiled packages of a module. It is a types.Importer of these
// packages and of everything that they import.
type Module struct {
	// Packages are the packages that the patterns of Load match, sorted by
	// path.
	Packages []Package

	exports map[string]string // the files with the export data
	reasons map[string]string // why a package has none
	from    types.Importer
}

// Load has the go command compile packages of the module in a directory, as a
// user of this one module does: without a workspace. Without a pattern it
// compiles nothing. A package that does not exist, or does not compile, is an
// error of its Import alone.
func Load(ctx context.Context, dir string, patterns ...string) (*Module, error) {
	m := &Module{exports: make(map[string]string), reasons: make(map[string]string)}
	m.from = importer.ForCompiler(token.NewFileSet(), "gc", m.open)
	if len(patterns) == 0 {
		return m, nil
	}
	args := []string{"list", "-e", "-export", "-deps", "-json=ImportPath,Name,Dir,Export,DepOnly,Error"}
	cmd := exec.CommandContext(ctx, "go", append(args, patterns...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s in %s: %w\n%s", cmd, dir, err, stderr.String())
	}
	for list := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath, Name, Dir, Export string
			DepOnly                       bool
			Error                         *struct{ Err string }
		}
		switch err := list.Decode(&p); {
		case errors.Is(err, io.EOF):
			slices.SortFunc(m.Packages, func(a, b Package) int { return strings.Compare(a.Path, b.Path) })
			return m, nil
		case err != nil:
			return nil, fmt.Errorf("%s in %s: %w", cmd, dir, err)
		}
		m.exports[p.ImportPath] = p.Export
		if p.Error != nil {
			m.reasons[p.ImportPath] = p.Error.Err
		}
		if !p.DepOnly {
			m.Packages = append(m.Packages, Package{Path: p.ImportPath, Name: p.Name, Dir: p.Dir})
		}
	}
}

// Import returns the types of a package.
func (m *Module) Import(path string) (*types.Package, error) { return m.from.Import(path) }

// open opens the export data of a package.
func (m *Module) open(path string) (io.ReadCloser, error) {
	file := m.exports[path]
	if file == "" {
		reason := m.reasons[path]
		if reason == "" {
			reason = "the module does not import the package"
		}
		return nil, fmt.Errorf("%s: %s", path, strings.TrimSpace(reason))
	}
	return os.Open(file)
}
