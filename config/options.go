package config

import (
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/recipe/views"
)

// Option changes how Open opens a Value, and OpenTree a Tree.
type Option[T any] func(*options[T])

type options[T any] struct {
	validate   func(T) error
	fallback   T
	hasDefault bool
	wait       bool
	limit      int
	maxBytes   int
}

// Defaults of Limit and MaxBytes. The bytes are room for 20,000 keys of three
// kilobytes each.
const (
	DefaultLimit    = views.DefaultLimit
	DefaultMaxBytes = views.DefaultMaxBytes
)

// Limit sets how many znodes a Tree reads at most: the first in the order of
// their paths. If there are more, TreeSnapshot.LeftOut says so, and Tree.Err and
// Tree.Changes return an error that matches session.ErrLeftOut. The default is
// DefaultLimit. A Value does not need it.
func Limit[T any](n int) Option[T] { return func(o *options[T]) { o.limit = n } }

// MaxBytes sets how many bytes of names and values a Tree reads at most. The
// keys that do not fit are left out, as with Limit: session.LeftOut says which.
// The memory that the decoded values take comes on top. The default is
// DefaultMaxBytes. A Value does not need it.
func MaxBytes[T any](n int) Option[T] { return func(o *options[T]) { o.maxBytes = n } }

// Default is the value to use while the znode does not exist. With Default, Open
// also succeeds if the znode's first value is bad or may not be read: the Value
// starts with the default, and Value.Err returns the reason. The default must
// pass Validate, or Open fails. All callers of Load share it. Default and Wait
// exclude each other. Of several Defaults the last one counts.
func Default[T any](value T) Option[T] {
	return func(o *options[T]) { o.fallback, o.hasDefault = value, true }
}

// Validate rejects values for which f returns an error. If the znode has such a
// value, the last good value stays; Update returns the error and writes
// nothing. f runs on the goroutine that follows the znode, and must return. It
// may be called from several goroutines at once. Its panic counts as an error.
// Validate may be given more than once: a value must pass every f.
func Validate[T any](f func(T) error) Option[T] {
	misuse.NilFunc(f == nil, "config.Validate")
	return func(o *options[T]) {
		first := o.validate
		o.validate = func(value T) error {
			if first != nil {
				if err := first(value); err != nil {
					return err
				}
			}
			return f(value)
		}
	}
}

// Wait makes Open wait, until its ctx ends, for a znode that does not exist
// yet. It also waits for a good value if the first value is bad or may not be
// read. OpenTree waits until the directory exists.
func Wait[T any]() Option[T] { return func(o *options[T]) { o.wait = true } }

// valid calls Validate, and makes its panic an error.
func (o *options[T]) valid(value T) (err error) {
	if o.validate == nil {
		return nil
	}
	defer caught(&err)
	return o.validate(value)
}
