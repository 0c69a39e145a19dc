package testworld

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// Misuse calls every exported method of each value, with nil for functions and
// zero for everything else, and runs the sequences that they return. Each value
// is a pointer to a zero value, or was made with a nil Manager. A method may
// work, return an error or panic with a sentence; a bare nil dereference fails
// the test.
func Misuse(t *testing.T, values ...any) {
	t.Helper()
	for _, value := range values {
		v := reflect.ValueOf(value)
		for i := range v.NumMethod() {
			name := fmt.Sprintf("%T.%s", value, v.Type().Method(i).Name)
			t.Run(name, func(t *testing.T) {
				defer func() {
					r := recover()
					if said, ok := r.(string); r != nil && (!ok || !strings.HasPrefix(said, "docent: ")) {
						buf := make([]byte, 4096)
						t.Errorf("%s panics with %v\n%s", name, r, buf[:runtime.Stack(buf, false)])
					}
				}()
				misuse(v.Method(i))
			})
		}
	}
}

func misuse(method reflect.Value) {
	of := method.Type()
	args := make([]reflect.Value, of.NumIn())
	for i := range args {
		args[i] = reflect.Zero(of.In(i))
		if of.In(i) == reflect.TypeFor[context.Context]() {
			args[i] = reflect.ValueOf(context.Background())
		}
	}
	call := method.Call
	if of.IsVariadic() {
		call = method.CallSlice
	}
	for _, result := range call(args) {
		if result.Kind() == reflect.Func && !result.IsNil() && result.Type().NumIn() == 1 && result.Type().In(0).Kind() == reflect.Func {
			yield := reflect.MakeFunc(result.Type().In(0), func([]reflect.Value) []reflect.Value {
				return []reflect.Value{reflect.ValueOf(false)}
			})
			result.Call([]reflect.Value{yield})
		}
	}
}
