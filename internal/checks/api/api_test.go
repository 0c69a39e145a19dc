package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// sample is a module with a declaration of each kind.
const sample = `package sample

import "sync"

// Limit is one.
const Limit = 1

var Bare = 2

// Pair has a field that users see, and one that they do not.
type Pair[T any] struct {
	First T
	rest  int
}

// Sum adds.
func (p *Pair[T]) Sum() int { return p.rest }

func (p Pair[T]) Naked() T { return p.First }

// Two has two methods.
type Two interface {
	// A is explained.
	A(name string) error
	B()
	c()
}

// One is what One says.
type One interface{ One() }

// Alias is another name.
type Alias = Two

func (e Failure) Error() string { return "" }

// Failure is a failure.
type Failure string

// New makes a pair.
func New(first int, more ...string) (p *Pair[int], err error) { return nil, nil }

// Guarded has the methods of a mutex, and its own.
type Guarded struct{ *sync.Mutex }

// Own is its own.
func (Guarded) Own() {}

func hidden() {}

var _ = hidden
`

func TestSample(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/sample\n\ngo 1.24\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "sample.go"), []byte(sample), 0o644))
	packages, err := load(dir)
	require.NoError(t, err)
	require.Len(t, packages, 1)
	lines := exported(packages[0].types)
	for i, line := range lines {
		lines[i] = line[len("example.com/sample: "):]
	}
	require.Equal(t, []string{
		"type Alias = Two",
		"var Bare int",
		"type Failure string",
		"method (Failure) Error() string",
		"type Guarded struct",
		"type Guarded struct, embeds *sync.Mutex",
		"method (Guarded) Own()",
		"const Limit untyped int = 1",
		"func New(first int, more ...string) (p *Pair[int], err error)",
		"type One interface",
		"type One interface, One()",
		"type Pair[T any] struct",
		"type Pair struct, First T",
		"type Pair struct, has unexported fields",
		"method (*Pair) Sum() int",
		"method (Pair) Naked() T",
		"type Two interface",
		"type Two interface, A(name string) error",
		"type Two interface, B()",
		"type Two interface, has unexported methods",
	}, lines)

	missing, err := uncommented(packages[0].dir, "sample")
	require.NoError(t, err)
	var said []string
	for _, m := range missing {
		said = append(said, m.Error())
	}
	require.Equal(t, []string{
		"sample: the package has no comment", "sample: Bare has no comment", "sample: Pair[T] Naked has no comment",
		"sample: Two.B has no comment",
	}, said)
}

// contracts is a package of declarations whose comments say too little, or enough.
const contracts = `// Package contracts is one.
package contracts

import "context"

// Wait waits; its caller is ctxless.
func Wait(ctx context.Context) {}

// Sleep sleeps until ctx ends.
func Sleep(ctx context.Context) {}

// Ignore does not look at its context.
func Ignore(_ context.Context) {}

// It does something else.
func Act() {}

// The comment of another type.
type Second int

// A Third is what it is.
type Third int

// First is not the name of the constant.
const Last = 3

// Waiter waits in two ways.
type Waiter interface {
	// Wait waits.
	Wait(ctx context.Context) error
	// Try waits for no longer than ctx lasts.
	Try(ctx context.Context) error
	// That gives up.
	Stop()
}
`

func TestContracts(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "contracts.go"), []byte(contracts), 0o644))
	missing, err := uncommented(dir, "p")
	require.NoError(t, err)
	var said []string
	for _, m := range missing {
		said = append(said, m.Error())
	}
	require.Equal(t, []string{
		"p: Last " + otherName, "p: Act " + otherName, "p: Wait " + noCtx, "p: type Second " + otherName,
		"p: Waiter.Wait " + noCtx, "p: Waiter.Stop " + otherName,
	}, said)
}

func TestDifference(t *testing.T) {
	require.Equal(t, "\t- b\n\t- e\n\t+ c", difference("a\nb\nd\ne\n", "a\nc\nd\n"))
	require.Empty(t, difference("a\nb\n", "a\nb\n"))
}

func TestName(t *testing.T) {
	require.Equal(t, "docent.txt", name("."))
	require.Equal(t, "contrib-prom.txt", name("contrib/prom"))
}
