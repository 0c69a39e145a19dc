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

func TestDifference(t *testing.T) {
	require.Equal(t, "\t- b\n\t- e\n\t+ c", difference("a\nb\nd\ne\n", "a\nc\nd\n"))
	require.Empty(t, difference("a\nb\n", "a\nb\n"))
}

func TestName(t *testing.T) {
	require.Equal(t, "docent.txt", name("."))
	require.Equal(t, "contrib-prom.txt", name("contrib/prom"))
}
