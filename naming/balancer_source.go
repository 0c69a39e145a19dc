package naming

import (
	"iter"
	"slices"
	"sync/atomic"

	"github.com/docent-go/docent/internal/base/misuse"
)

// Source is where a Balancer takes its elements from: a List, or a Service,
// which follows a service in ZooKeeper. Load is called by every pick, from any
// goroutine, and must be fast. It returns the same slice until there is a
// change, and then another one. A returned slice is never written to. For a
// Service, a Balancer reads the View, and needs no slice.
type Source[T any] interface {
	Load() []T
}

// List is a Source that the program sets. The zero value is empty. It is safe
// for concurrent use.
type List[T any] struct{ items atomic.Pointer[[]T] }

// NewList returns a List that holds items.
func NewList[T any](items ...T) *List[T] {
	l := &List[T]{}
	l.Set(items)
	return l
}

// Set replaces the contents of the list. It keeps a copy of items.
func (l *List[T]) Set(items []T) {
	l.made()
	items = slices.Clone(items)
	l.items.Store(&items)
}

// Load returns the present contents. They must not be changed.
func (l *List[T]) Load() []T {
	l.made()
	items := l.items.Load()
	if items == nil {
		return nil
	}
	return *items
}

// made panics for a nil List. A zero one is empty.
func (l *List[T]) made() { misuse.ZeroValue(l == nil, "or nil naming.List", "naming.NewList") }

// same reports whether two slices are identical, and not just equal.
func same[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// elements is the contents of a source at one time: a slice, or the instances
// of a Service.
type elements[T any] struct {
	slice []T
	list  *listing
}

// load reads the source.
func (b *Balancer[T]) load() elements[T] {
	if b.service != nil {
		return elements[T]{list: b.service.View().list}
	}
	return elements[T]{slice: b.source.Load()}
}

// same reports whether the source has not changed.
func (e elements[T]) same(other elements[T]) bool {
	return e.list == other.list && same(e.slice, other.slice)
}

func (e elements[T]) len() int { return len(e.slice) + e.list.instances().Len() }

func (e elements[T]) all() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for i := range e.slice {
			if !yield(&e.slice[i]) {
				return
			}
		}
		for k := range e.list.all() {
			if !yield(any(&k.in).(*T)) { // the elements of a Service are instances
				return
			}
		}
	}
}
