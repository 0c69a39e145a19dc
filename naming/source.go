package naming

import (
	"slices"
	"sync/atomic"

	"github.com/docent-go/docent/internal/misuse"
)

// Source is where a Balancer takes its elements from: a List, or what follows
// a service in ZooKeeper. Load is called by every pick, from any goroutine, and
// must be fast. It returns the same slice until there is a change, and then
// another one; what it once returned is never written into.
type Source[T any] interface {
	Load() []T
}

// List is a Source that is set by hand. The zero value is empty. It is safe for
// concurrent use.
type List[T any] struct{ items atomic.Pointer[[]T] }

// NewList makes a List that holds items.
func NewList[T any](items ...T) *List[T] {
	l := &List[T]{}
	l.Set(items)
	return l
}

// Set replaces all that the list holds. It keeps a copy of items.
func (l *List[T]) Set(items []T) {
	l.made()
	items = slices.Clone(items)
	l.items.Store(&items)
}

// Load returns what was set last. It must not be changed.
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

// same reports whether two slices are one and the same, as opposed to equal.
func same[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}
