package main

import (
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// uncommented returns an error for each exported declaration of a directory's package whose comment says too little: it
// is missing, or does not begin with the name, or does not mention the ctx of a function. A group of constants or
// variables may have one comment for all.
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
	complain := func(what, fault string) { missing = append(missing, fmt.Errorf("%s: %s %s", path, what, fault)) }
	if p.Doc == "" {
		complain("the package", noComment)
	}
	values(p.Consts, complain)
	values(p.Vars, complain)
	functions(p.Funcs, complain)
	for _, t := range p.Types {
		switch {
		case t.Doc == "":
			complain("type "+t.Name, noComment)
		case !begins(t.Doc, t.Name):
			complain("type "+t.Name, otherName)
		}
		values(t.Consts, complain)
		values(t.Vars, complain)
		functions(t.Funcs, complain)
		functions(t.Methods, complain)
		members(t, complain)
	}
	return missing, nil
}

// What is wrong with a comment.
const (
	noComment = "has no comment"
	otherName = "has a comment that does not begin with its name"
	noCtx     = "has a ctx, and its comment does not say what ctx governs"
)

// begins reports whether a comment begins with the name, perhaps after an article.
func begins(comment, name string) bool {
	for i, word := range strings.Fields(comment) {
		switch {
		case strings.TrimRight(word, ",.:") == name:
			return true
		case i > 0 || word != "A" && word != "An" && word != "The":
			return false
		}
	}
	return false
}

func values(all []*doc.Value, complain func(what, fault string)) {
	for _, v := range all {
		for _, spec := range v.Decl.Specs {
			s := spec.(*ast.ValueSpec)
			name := s.Names[0]
			comment := s.Doc.Text()
			if comment == "" && len(v.Decl.Specs) == 1 {
				comment = v.Doc
			}
			switch {
			case !name.IsExported():
			case comment == "" && v.Doc == "" && s.Comment == nil:
				complain(name.Name, noComment)
			case comment != "" && len(s.Names) == 1 && !begins(comment, name.Name):
				complain(name.Name, otherName)
			}
		}
	}
}

func functions(all []*doc.Func, complain func(what, fault string)) {
	for _, f := range all {
		name := strings.TrimSpace(f.Recv + " " + f.Name)
		switch {
		case f.Doc == "" && !explained(f):
			complain(name, noComment)
		case f.Doc != "" && !begins(f.Doc, f.Name):
			complain(name, otherName)
		case f.Doc != "" && takesCtx(f.Decl.Type) && !saysCtx(f.Doc):
			complain(name, noCtx)
		}
	}
}

// takesCtx reports whether a function has a parameter named ctx. A context that it ignores is named _.
func takesCtx(f *ast.FuncType) bool {
	for _, field := range f.Params.List {
		for _, name := range field.Names {
			if name.Name == "ctx" {
				return true
			}
		}
	}
	return false
}

// saysCtx reports whether a comment has the word ctx.
func saysCtx(comment string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(comment, func(r rune) bool { return !unicode.IsLetter(r) }),
		func(word string) bool { return word == "ctx" })
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
func members(t *doc.Type, complain func(what, fault string)) {
	for _, spec := range t.Decl.Specs {
		of, ok := spec.(*ast.TypeSpec).Type.(*ast.InterfaceType)
		if !ok || len(of.Methods.List) == 1 {
			continue
		}
		for _, m := range of.Methods.List {
			if len(m.Names) != 1 || !m.Names[0].IsExported() {
				continue
			}
			name := m.Names[0].Name
			switch {
			case m.Doc == nil && m.Comment == nil:
				complain(t.Name+"."+name, noComment)
			case m.Doc != nil && !begins(m.Doc.Text(), name):
				complain(t.Name+"."+name, otherName)
			case takesCtx(m.Type.(*ast.FuncType)) && !saysCtx(t.Doc+" "+m.Doc.Text()):
				complain(t.Name+"."+name, noCtx)
			}
		}
	}
}
