package testworld

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// EveryCallFails calls each method of value that takes a ctx, and requires an
// error with the text: a value with an invalid path or option must not half
// work. Functions among the arguments do nothing, strings are "a", and all
// other arguments are zero. A method that returns a sequence has to yield the
// error.
func (w *World) EveryCallFails(value any, text string) {
	w.Helper()
	v, called := reflect.ValueOf(value), 0
	for i := range v.NumMethod() {
		method, name := v.Method(i), v.Type().Method(i).Name
		of := method.Type()
		if of.NumIn() == 0 || of.In(0) != reflect.TypeFor[context.Context]() {
			continue
		}
		args := []reflect.Value{reflect.ValueOf(w.Within(time.Minute))}
		for n := 1; n < of.NumIn(); n++ {
			args = append(args, harmless(of.In(n)))
		}
		invoke := method.Call
		if of.IsVariadic() {
			invoke = method.CallSlice
		}
		called++
		assert.ErrorContains(w, errorAmong(invoke(args)), text, "%T.%s", value, name)
	}
	require.NotZero(w, called, "%T has no method with a ctx", value)
}

func harmless(of reflect.Type) reflect.Value {
	switch of.Kind() {
	case reflect.String:
		return reflect.ValueOf("a").Convert(of)
	case reflect.Func:
		return reflect.MakeFunc(of, func([]reflect.Value) []reflect.Value {
			results := make([]reflect.Value, of.NumOut())
			for i := range results {
				results[i] = reflect.Zero(of.Out(i))
			}
			return results
		})
	}
	return reflect.Zero(of)
}

// errorAmong returns the first error among the results of a call, or the first
// that a sequence among them yields.
func errorAmong(results []reflect.Value) (found error) {
	for _, result := range results {
		if err, is := result.Interface().(error); is {
			return err
		}
		if result.Kind() != reflect.Func || !result.Type().CanSeq2() {
			continue
		}
		for _, second := range result.Seq2() {
			if err, is := second.Interface().(error); is {
				return err
			}
			return fmt.Errorf("the sequence begins with %v and not with an error", second)
		}
	}
	return nil
}
