package main

import (
	"fmt"
	"go/types"
	"slices"
	"strings"
)

// exported returns a line for each thing that users of a package can name, in the order of the names.
func exported(p *types.Package) (lines []string) {
	say := func(format string, args ...any) {
		lines = append(lines, short(p.Path())+": "+fmt.Sprintf(format, args...))
	}
	// Names of the package itself stand alone, others behind the path of their package.
	within := func(other *types.Package) string {
		if other == p {
			return ""
		}
		return short(other.Path())
	}
	for _, name := range p.Scope().Names() {
		o := p.Scope().Lookup(name)
		if !o.Exported() {
			continue
		}
		switch o := o.(type) {
		case *types.Const:
			say("%s = %s", types.ObjectString(o, within), o.Val().ExactString())
		case *types.TypeName:
			declared(o, within, say)
		default:
			say("%s", types.ObjectString(o, within))
		}
	}
	return lines
}

// short leaves out what the paths of all our packages begin with.
func short(path string) string { return strings.TrimPrefix(path, "github.com/docent-go/docent/") }

// declared tells of a type: what it is, then its fields and methods, the promoted ones too.
func declared(o *types.TypeName, within types.Qualifier, say func(string, ...any)) {
	show := func(t types.Type) string { return types.TypeString(t, within) }
	name := o.Name()
	if alias, ok := o.Type().(*types.Alias); ok {
		say("type %s = %s", name, show(alias.Rhs()))
		return
	}
	full := show(o.Type())
	if named, ok := o.Type().(*types.Named); ok && named.TypeParams().Len() > 0 {
		full = strings.TrimPrefix(types.ObjectString(o, within), "type ")
		full = full[:strings.Index(full, "]")+1]
	}
	switch of := o.Type().Underlying().(type) {
	case *types.Struct:
		say("type %s struct", full)
		hidden := false
		for f := range of.Fields() {
			switch {
			case f.Exported() && f.Embedded():
				say("type %s struct, embeds %s", name, show(f.Type()))
			case f.Exported():
				say("type %s struct, %s %s", name, f.Name(), show(f.Type()))
			default:
				hidden = true
			}
		}
		if hidden {
			say("type %s struct, has unexported fields", name)
		}
	case *types.Interface:
		say("type %s interface", full)
		for m := range of.Methods() {
			if m.Exported() {
				say("type %s interface, %s%s", name, m.Name(), strings.TrimPrefix(show(m.Type()), "func"))
			} else {
				say("type %s interface, has unexported methods", name)
			}
		}
		return
	default:
		say("type %s %s", full, show(of))
	}
	methods(o, name, show, say)
}

func methods(o *types.TypeName, name string, show func(types.Type) string, say func(string, ...any)) {
	value := types.NewMethodSet(o.Type())
	pointer := types.NewMethodSet(types.NewPointer(o.Type()))
	var all []string
	for i := range pointer.Len() {
		m := pointer.At(i).Obj()
		if !m.Exported() || m.Pkg() != o.Pkg() && standard(m.Pkg()) {
			continue
		}
		receiver := "*" + name
		if value.Lookup(m.Pkg(), m.Name()) != nil {
			receiver = name
		}
		all = append(all, fmt.Sprintf("method (%s) %s%s", receiver, m.Name(), strings.TrimPrefix(show(m.Type()), "func")))
	}
	slices.Sort(all)
	for _, line := range all {
		say("%s", line)
	}
}

// standard reports whether a package is one of Go's own. Which methods a type
// promotes from there depends on the version of Go.
func standard(p *types.Package) bool {
	if p == nil {
		return false
	}
	first, _, _ := strings.Cut(p.Path(), "/")
	return !strings.Contains(first, ".")
}
