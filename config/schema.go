package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"reflect"

	"github.com/docent-go/docent/internal/base/bounds"
	"github.com/docent-go/docent/internal/base/misuse"
)

// schema says how the bytes of a node become a value, and which values are
// good.
type schema[T any] struct {
	codec Codec[T]
	options[T]
}

// newSchema applies the options of a call, and returns the error of those that
// do not fit together.
func newSchema[T any](call string, codec Codec[T], opts []Option[T]) (schema[T], error) {
	s := schema[T]{codec: codec, options: options[T]{limit: DefaultLimit, maxBytes: DefaultMaxBytes}}
	misuse.Apply(call, &s.options, opts)
	if err := cmp.Or(bounds.AtLeast("Limit", s.limit, 1), bounds.AtLeast("MaxBytes", s.maxBytes, 1)); err != nil {
		return s, err
	}
	switch {
	case codec.Decode == nil:
		return s, errors.New("the codec has no Decode: use JSON, Text or Bytes, or set Decode")
	case s.hasDefault && s.wait:
		return s, errors.New("Default and Wait exclude each other, because nothing waits if there is a default: give one of them")
	case s.hasDefault:
		if err := s.valid(s.fallback); err != nil {
			return s, fmt.Errorf("the Default does not pass Validate: %w", err)
		}
	}
	return s, nil
}

// decode calls the codec. It makes a panic of the user's code an error, because
// the value of a node must not end the program.
func (s *schema[T]) decode(data []byte) (value T, err error) {
	defer caught(&err)
	return s.codec.Decode(data)
}

// read decodes and validates.
func (s *schema[T]) read(data []byte) (T, error) {
	value, err := s.decode(data)
	if err == nil {
		err = s.valid(value)
	}
	return value, err
}

// caught is deferred, and makes a panic an error.
func caught(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v", p)
	}
}

// alike reports whether two encodings decode to the same good value. An encoder
// may encode a value in several ways.
func (s *schema[T]) alike(a, b []byte) bool {
	x, err := s.read(a)
	if err != nil || bytes.Equal(a, b) {
		return err == nil
	}
	y, err := s.read(b)
	return err == nil && reflect.DeepEqual(x, y)
}
