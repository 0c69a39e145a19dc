package main

import (
	"context"
	"go/types"
	"slices"
	"strings"

	"github.com/docent-go/docent/internal/checks/exportdata"
)

// pkg is a public package: its compiled declarations, and the directory of its
// source.
type pkg struct {
	types *types.Package
	dir   string
}

// load reads the public packages of a module. The packages of examples are
// programs to read, whatever they export.
func load(module string) ([]pkg, error) {
	m, err := exportdata.Load(context.Background(), module, "./...")
	if err != nil {
		return nil, err
	}
	var found []pkg
	for _, p := range m.Packages {
		if !p.Public() || slices.Contains(strings.Split(p.Path, "/"), "examples") {
			continue
		}
		compiled, err := m.Import(p.Path)
		if err != nil {
			return nil, err
		}
		found = append(found, pkg{types: compiled, dir: p.Dir})
	}
	return found, nil
}
