package main

import (
	"fmt"
	"os"
	"slices"
	"testing"
)

// bed is the testing.TB for the servers of package ensemble. Those are made for
// tests, and end with the test that started them. A bed ends with the run.
type bed struct {
	testing.TB // never called: the methods that ensemble uses are below
	cleanups   []func()
	problems   []string
}

// failure is the panic of a bed where a test would end.
type failure string

// try runs f on the bed, and returns an error where a test would end.
func (b *bed) try(f func()) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case failure:
			err = fmt.Errorf("%s", string(r))
		default:
			panic(r)
		}
	}()
	f()
	return nil
}

// end runs all cleanups, the newest first.
func (b *bed) end() {
	for _, f := range slices.Backward(b.cleanups) {
		f()
	}
	b.cleanups = nil
	for _, p := range b.problems {
		fmt.Fprintln(os.Stderr, "bench:", p)
	}
}

func (b *bed) Helper()                   {}
func (b *bed) Failed() bool              { return false }
func (b *bed) Cleanup(f func())          { b.cleanups = append(b.cleanups, f) }
func (b *bed) Fatal(args ...any)         { panic(failure(fmt.Sprint(args...))) }
func (b *bed) Fatalf(f string, a ...any) { panic(failure(fmt.Sprintf(f, a...))) }
func (b *bed) Skipf(f string, a ...any)  { panic(failure(fmt.Sprintf(f, a...))) }
func (b *bed) Errorf(f string, a ...any) { b.problems = append(b.problems, fmt.Sprintf(f, a...)) }
func (b *bed) Logf(f string, a ...any)   { b.problems = append(b.problems, fmt.Sprintf(f, a...)) }
