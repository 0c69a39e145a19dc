package testworld

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// Misuse calls everything that a package exports in ways that only a mistaken
// program would. The call may work, return an error, or panic with a sentence;
// a bare nil dereference fails the test. The test also fails if an exported
// function, or an exported type with methods, is missing from values.
//
// A value is an exported function or a pointer. The pointer leads to a zero
// value, or to the result of a constructor with a nil Manager. Misuse calls
//
//   - each function and method with nil for functions and zero for everything
//     else, then with a path for strings, and runs the sequences that it
//     returns;
//   - each function or method with options with one nil option;
//   - each method with a pointer receiver on a nil pointer, except for errors
//     and types that are not structs.
//
// A function that makes an option from a nil function must panic.
func Misuse(t *testing.T, values ...any) {
	t.Helper()
	has := exportedHere(t)
	for _, value := range values {
		v := reflect.ValueOf(value)
		if v.Kind() == reflect.Func {
			name := funcName(v)
			delete(has.funcs, name)
			misuse(t, name, v)
			continue
		}
		kind := bare(v.Type().Elem().Name())
		delete(has.types, kind)
		misuseMethods(t, fmt.Sprintf("zero or unmanaged %s", kind), v, func(string) bool { return true })
		_, isError := value.(error)
		if v.Type().Elem().Kind() == reflect.Struct && !isError {
			misuseMethods(t, fmt.Sprintf("nil %s", kind), reflect.Zero(v.Type()), func(method string) bool {
				return has.pointerMethods[kind+"."+method]
			})
		}
	}
	for name := range has.funcs {
		t.Errorf("the function %s is not tried", name)
	}
	for name := range has.types {
		t.Errorf("the type %s is not tried", name)
	}
}

func misuseMethods(t *testing.T, what string, v reflect.Value, wanted func(method string) bool) {
	for i := range v.NumMethod() {
		name := v.Type().Method(i).Name
		switch {
		case !wanted(name):
		case name == "Format": // only package fmt makes its argument
			t.Run(what+"."+name, func(t *testing.T) { saysWhatIsWrong(t, func() { _ = fmt.Sprint(v.Interface()) }) })
		default:
			misuse(t, what+"."+name, v.Method(i))
		}
	}
}

func misuse(t *testing.T, name string, f reflect.Value) {
	of := f.Type()
	args := make([]reflect.Value, of.NumIn())
	given := false // a nil function
	var texts []int
	for i := range args {
		args[i] = reflect.Zero(of.In(i))
		given = given || of.In(i).Kind() == reflect.Func
		if of.In(i) == reflect.TypeFor[context.Context]() {
			args[i] = reflect.ValueOf(context.Background())
		}
		if of.In(i).Kind() == reflect.String {
			texts = append(texts, i)
		}
	}
	t.Run(name, func(t *testing.T) {
		said := saysWhatIsWrong(t, func() { call(f, args) })
		if given && !said && of.NumOut() == 1 && of.Out(0).Kind() == reflect.Func {
			t.Errorf("the function makes an option from a nil function")
		}
	})
	if len(texts) > 0 { // past the check for an empty path
		t.Run(name+" with a path", func(t *testing.T) {
			full := slices.Clone(args)
			for _, i := range texts {
				full[i] = reflect.ValueOf("/a").Convert(of.In(i))
			}
			saysWhatIsWrong(t, func() { call(f, full) })
		})
	}
	if !of.IsVariadic() || !isOption(of.In(len(args)-1).Elem()) {
		return
	}
	args[len(args)-1] = reflect.MakeSlice(of.In(len(args)-1), 1, 1)
	t.Run(name+" with a nil option", func(t *testing.T) {
		if !saysWhatIsWrong(t, func() { call(f, args) }) {
			t.Errorf("the panic does not say that an option is nil")
		}
	})
}

// isOption reports whether options may have the type: a function, or an
// interface that no other package can implement.
func isOption(of reflect.Type) bool {
	if of.Kind() != reflect.Interface {
		return of.Kind() == reflect.Func
	}
	for i := range of.NumMethod() {
		if !of.Method(i).IsExported() {
			return true
		}
	}
	return false
}

// saysWhatIsWrong reports whether f panics with a sentence. The test fails if f
// panics with anything else.
func saysWhatIsWrong(t *testing.T, f func()) (said bool) {
	defer func() {
		r := recover()
		text, ok := r.(string)
		said = ok && strings.HasPrefix(text, "docent: ")
		if r != nil && !said {
			buf := make([]byte, 4096)
			t.Errorf("the call panics with %v\n%s", r, buf[:runtime.Stack(buf, false)])
		}
	}()
	f()
	return false
}

func call(f reflect.Value, args []reflect.Value) {
	results := f.Call
	if f.Type().IsVariadic() {
		results = f.CallSlice
	}
	for _, result := range results(args) {
		if result.Kind() == reflect.Func && !result.IsNil() && result.Type().NumIn() == 1 && result.Type().In(0).Kind() == reflect.Func {
			yield := reflect.MakeFunc(result.Type().In(0), func([]reflect.Value) []reflect.Value {
				return []reflect.Value{reflect.ValueOf(false)}
			})
			result.Call([]reflect.Value{yield})
		}
	}
}
