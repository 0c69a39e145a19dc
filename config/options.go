package config

import (
	"errors"

	"github.com/docent-go/docent/internal/misuse"
)

// Option changes how Open opens a Value.
type Option[T any] func(*options[T])

type options[T any] struct {
	validate   func(T) error
	fallback   T
	hasDefault bool
	wait       bool
}

// Default gives the value to use while the node does not exist. With it, Open
// also succeeds where the node's first value is bad or may not be read: it
// starts with the default, and Value.Err tells why. The default has to pass
// Validate. It is shared by everyone who loads it.
func Default[T any](value T) Option[T] {
	return func(o *options[T]) { o.fallback, o.hasDefault = value, true }
}

// Validate refuses values for which f returns an error: from the node, where
// the last good value then stays, and in Update. f runs on the goroutine that
// follows the node, so it must return. It may be given more than once: each f
// has to agree.
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

// Wait makes Open wait, as long as its ctx allows, for a node that does not
// exist yet, and for a good value where the first is bad or may not be read.
func Wait[T any]() Option[T] { return func(o *options[T]) { o.wait = true } }

func (o *options[T]) check() error {
	if !o.hasDefault {
		return nil
	}
	if o.wait {
		return errors.New("both Default and Wait are given: with a default there is nothing to wait for")
	}
	return o.valid(o.fallback)
}

func (o *options[T]) valid(value T) error {
	if o.validate == nil {
		return nil
	}
	return o.validate(value)
}
