package testworld

import (
	"context"
	"iter"
	"strings"
	"sync"
	"testing/synctest"

	"github.com/docent-go/docent/sessiontest"
)

// Observer records what an iterator of changes yields.
type Observer[T any] struct {
	*sessiontest.Call

	mu   sync.Mutex
	seen []string
	errs []error
	last T
}

// Observe ranges over changes in a goroutine of its own, until the iterator
// ends, at Cancel, or at the end of the test. It records the text that show
// makes of each value or error.
func Observe[T any](w *World, changes func(context.Context) iter.Seq2[T, error], show func(T, error) string) *Observer[T] {
	o := new(Observer[T])
	o.Call = w.Go(func(ctx context.Context) error {
		for value, err := range changes(ctx) {
			o.add(value, err, show)
		}
		return nil
	})
	return o
}

func (o *Observer[T]) add(value T, err error, show func(T, error) string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = append(o.seen, show(value, err))
	if err != nil {
		o.errs = append(o.errs, err)
		return
	}
	o.last = value
}

// Take returns the texts since its last call, once all goroutines wait.
func (o *Observer[T]) Take() string {
	synctest.Wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	seen := strings.Join(o.seen, " ")
	o.seen = nil
	return seen
}

// Errs returns the errors so far.
func (o *Observer[T]) Errs() []error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.errs[:len(o.errs):len(o.errs)]
}

// Last returns the last value.
func (o *Observer[T]) Last() T {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last
}
