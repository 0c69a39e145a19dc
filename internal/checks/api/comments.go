package main

import (
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// uncommented returns an error for each exported declaration of a directory's package that has no comment. A group of
// constants or variables may have one comment for all.
func uncommented(dir, path string) (missing []error, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, e := range entries {
		if name := e.Name(); strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			file, err := parser.ParseFile(set, filepath.Join(dir, name), nil, parser.ParseComments)
			if err != nil {
				return nil, err
			}
			files = append(files, file)
		}
	}
	p, err := doc.NewFromFiles(set, files, path)
	if err != nil {
		return nil, err
	}
	complain := func(what string) { missing = append(missing, fmt.Errorf("%s: %s has no comment", path, what)) }
	if p.Doc == "" {
		complain("the package")
	}
	values(p.Consts, complain)
	values(p.Vars, complain)
	functions(p.Funcs, complain)
	for _, t := range p.Types {
		if t.Doc == "" {
			complain("type " + t.Name)
		}
		values(t.Consts, complain)
		values(t.Vars, complain)
		functions(t.Funcs, complain)
		functions(t.Methods, complain)
		members(t, complain)
	}
	return missing, nil
}

func values(all []*doc.Value, complain func(string)) {
	for _, v := range all {
		if v.Doc != "" {
			continue
		}
		for _, spec := range v.Decl.Specs {
			s := spec.(*ast.ValueSpec)
			if s.Doc == nil && s.Comment == nil && s.Names[0].IsExported() {
				complain(s.Names[0].Name)
			}
		}
	}
}

func functions(all []*doc.Func, complain func(string)) {
	for _, f := range all {
		if f.Doc == "" && !explained(f) {
			complain(strings.TrimSpace(f.Recv + " " + f.Name))
		}
	}
}

// explained: what these methods do is said by the interface that they are for.
func explained(f *doc.Func) bool {
	switch f.Name {
	case "Error", "Unwrap", "Is", "As", "String", "GoString", "Format", "LogValue", "MarshalJSON", "UnmarshalJSON",
		"MarshalText", "UnmarshalText":
		return f.Recv != ""
	}
	return false
}

// members checks the methods of an interface: the comment of the type stands for a single one. Names of fields may speak
// for themselves.
func members(t *doc.Type, complain func(string)) {
	for _, spec := range t.Decl.Specs {
		of, ok := spec.(*ast.TypeSpec).Type.(*ast.InterfaceType)
		if !ok || len(of.Methods.List) == 1 {
			continue
		}
		for _, m := range of.Methods.List {
			if m.Doc == nil && m.Comment == nil && len(m.Names) == 1 && m.Names[0].IsExported() {
				complain(t.Name + "." + m.Names[0].Name)
			}
		}
	}
}
