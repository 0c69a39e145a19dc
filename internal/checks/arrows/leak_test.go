package arrows_test

import (
	"go/token"
	"go/types"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/checks/exportdata"
)

// Users can name every type that a public package shows. A type of a package
// below internal would have no documentation for users, and its methods could
// not change without breaking them.
func TestNoInternalTypeIsPublic(t *testing.T) {
	packages, err := exportdata.Load(t.Context(), "../../..", "./...")
	require.NoError(t, err)
	seen := make(map[string]bool)
	for _, p := range packages.Packages {
		if !p.Public() {
			continue
		}
		seen[p.Path] = true
		compiled, err := packages.Import(p.Path)
		require.NoError(t, err)
		for _, leak := range leaks(compiled) {
			t.Errorf("%s shows an internal type: %s", p.Path, leak)
		}
	}
	require.True(t, seen[module+"session"])
	require.True(t, seen[module+"naming/httpbalance"])
}

// The walk finds an internal type wherever a package can show it.
func TestLeaksAreFound(t *testing.T) {
	packages, err := exportdata.Load(t.Context(), "../../..", "./internal/bridge")
	require.NoError(t, err)
	bridge, err := packages.Import(module + "internal/bridge")
	require.NoError(t, err)
	require.NotEmpty(t, leaks(bridge), "bridge shows core's types on purpose")

	inner := types.NewPackage(module+"internal/x", "x")
	hidden := types.NewNamed(types.NewTypeName(token.NoPos, inner, "Hidden", nil), types.NewStruct(nil, nil), nil)
	field := func(name string, embedded bool, of types.Type) *types.Struct {
		return types.NewStruct([]*types.Var{types.NewField(token.NoPos, nil, name, of, embedded)}, nil)
	}
	returns := func(of types.Type) *types.Signature {
		return types.NewSignatureType(nil, nil, nil, nil, types.NewTuple(types.NewVar(token.NoPos, nil, "", of)), false)
	}
	takes := func(of types.Type) *types.Signature {
		return types.NewSignatureType(nil, nil, nil, types.NewTuple(types.NewVar(token.NoPos, nil, "", of)), nil, false)
	}
	method := types.NewInterfaceType([]*types.Func{types.NewFunc(token.NoPos, nil, "M", returns(hidden))}, nil)
	for what, shown := range map[string]types.Type{
		"itself": hidden, "a pointer": types.NewPointer(hidden), "a slice": types.NewSlice(hidden),
		"an array": types.NewArray(hidden, 1), "a map's key": types.NewMap(hidden, types.Typ[types.Int]),
		"a map's value": types.NewMap(types.Typ[types.Int], hidden), "a channel": types.NewChan(types.SendRecv, hidden),
		"a result": returns(hidden), "a parameter": takes(hidden), "a parameter of a parameter": takes(takes(hidden)),
		"a field": field("Shown", false, hidden), "an embedded field": field("Hidden", true, types.NewPointer(hidden)),
		"a method of an interface": method,
	} {
		require.Len(t, leaks(shows(shown)), 1, what)
	}
	require.Empty(t, leaks(shows(field("hidden", false, hidden))), "users do not see unexported fields")
	require.Empty(t, leaks(shows(types.NewSlice(types.Typ[types.Int]))))
}

// shows returns a package with a variable and a type of the given type.
func shows(of types.Type) *types.Package {
	p := types.NewPackage(module+"p", "p")
	p.Scope().Insert(types.NewVar(token.NoPos, p, "V", of))
	return p
}

// leaks returns where a package shows an internal type.
func leaks(p *types.Package) (found []string) {
	for _, name := range p.Scope().Names() {
		o := p.Scope().Lookup(name)
		if !o.Exported() {
			continue
		}
		w := walk{of: p, seen: make(map[types.Type]bool)}
		if _, declared := o.(*types.TypeName); declared {
			w.declared(o.Name(), o.Type())
		} else {
			w.shown(o.Name(), o.Type())
		}
		found = append(found, w.found...)
	}
	return found
}

// walk follows what users see of one declaration.
type walk struct {
	of    *types.Package
	seen  map[types.Type]bool
	found []string
}

// declared walks the declaration of a type: its underlying type, and its
// methods, promoted ones included.
func (w *walk) declared(where string, of types.Type) {
	if alias, ok := of.(*types.Alias); ok {
		w.shown(where, alias.Rhs())
		return
	}
	w.seen[of] = true
	w.shown(where, of.Underlying())
	if named, ok := of.(*types.Named); ok {
		for p := range named.TypeParams().TypeParams() {
			w.shown(where+"["+p.Obj().Name()+"]", p.Constraint())
		}
	}
	if !types.IsInterface(of) {
		methods := types.NewMethodSet(types.NewPointer(of))
		for i := range methods.Len() {
			if m := methods.At(i).Obj(); m.Exported() {
				w.shown(where+"."+m.Name(), m.Type())
			}
		}
	}
}

// shown walks a type that users see at where.
func (w *walk) shown(where string, of types.Type) {
	if named, ok := of.(interface{ Obj() *types.TypeName }); ok {
		if p := named.Obj().Pkg(); p != nil && strings.HasPrefix(p.Path(), module) && exportdata.Internal(p.Path()) {
			w.found = append(w.found, where+" is "+of.String())
			return
		}
	}
	if w.seen[of] {
		return
	}
	w.seen[of] = true
	switch of := of.(type) {
	case *types.Alias:
		w.shown(where, of.Rhs())
	case *types.Named:
		for arg := range of.TypeArgs().Types() {
			w.shown(where, arg)
		}
	case *types.Signature:
		for _, tuple := range []*types.Tuple{of.Params(), of.Results()} {
			for v := range tuple.Variables() {
				w.shown(where+"("+v.Name()+")", v.Type())
			}
		}
	case *types.Struct:
		for f := range of.Fields() {
			if f.Exported() {
				w.shown(where+"."+f.Name(), f.Type())
			}
		}
	case *types.Interface:
		for m := range of.Methods() {
			w.shown(where+"."+m.Name(), m.Type())
		}
		for e := range of.EmbeddedTypes() {
			w.shown(where, e)
		}
	case *types.Union:
		for term := range of.Terms() {
			w.shown(where, term.Type())
		}
	case *types.Map:
		w.shown(where, of.Key())
		w.shown(where, of.Elem())
	case interface{ Elem() types.Type }:
		w.shown(where, of.Elem())
	}
}
