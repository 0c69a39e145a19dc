package config

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
)

// propose calls f and finds the bytes to write: those of the node itself when f
// changes nothing.
func (v *Value[T]) propose(now base, f func(T) (T, error)) (*proposal[T], error) {
	value, err := v.before(now)
	if err != nil {
		return nil, err
	}
	// Before f, which may change what the value refers to. An Encode that
	// keeps no copy would then change with it.
	var before []byte
	var beforeErr error
	if now.exists {
		before, beforeErr = v.codec.Encode(value)
		before = slices.Clone(before)
	}
	if value, err = f(value); err != nil {
		return nil, err
	}
	if err := v.opts.valid(value); err != nil {
		return nil, fmt.Errorf("the new value is refused: %w", err)
	}
	after, err := v.codec.Encode(value)
	if err != nil {
		return nil, fmt.Errorf("encode the new value: %w", err)
	}
	data := after
	switch {
	case !now.exists:
	case beforeErr == nil && v.alike(before, after):
		data = now.data
	case v.codec.Merge == nil:
	case beforeErr != nil:
		return nil, fmt.Errorf("encode the present value: %w", beforeErr)
	default:
		if data, err = v.merge(now.data, before, after); err != nil {
			return nil, err
		}
	}
	// What is published must be readable by those who follow it. Decoding
	// also makes a copy that the caller's f cannot change any more.
	if value, err = v.check(data); err != nil {
		return nil, fmt.Errorf("the new value could not be read again: %w", err)
	}
	return &proposal[T]{value: value, data: data, over: now}, nil
}

// before returns the value to give to f. A value that does not validate is
// given too: f may be there to mend it.
func (v *Value[T]) before(now base) (value T, err error) {
	data := now.data
	if !now.exists {
		if !v.opts.hasDefault {
			return value, nil
		}
		if data, err = v.codec.Encode(v.opts.fallback); err != nil {
			return value, fmt.Errorf("copy the default: %w", err)
		}
	}
	if value, err = v.codec.Decode(data); err != nil {
		return value, &BadValueError{v.path, now.stat.Version, now.stat.Mzxid, err}
	}
	return value, nil
}

// alike reports whether two texts decode to the same good value. An encoder may
// write one value in several ways.
func (v *Value[T]) alike(a, b []byte) bool {
	x, err := v.check(a)
	if err != nil || bytes.Equal(a, b) {
		return err == nil
	}
	y, err := v.check(b)
	return err == nil && reflect.DeepEqual(x, y)
}

// merge puts the change into the bytes of the node. A type may decode more than
// its encoding shows, such as the old name of a field: where the merged bytes
// do not say what f returned, the encoding is written as a whole.
func (v *Value[T]) merge(node, before, after []byte) ([]byte, error) {
	merged, err := v.codec.Merge(node, before, after)
	if err != nil {
		return nil, fmt.Errorf("merge the new value into what the node holds: %w", err)
	}
	value, err := v.check(merged)
	if err != nil {
		return after, nil // which is checked in its turn
	}
	again, err := v.codec.Encode(value)
	if err == nil && v.alike(again, after) {
		return merged, nil
	}
	return after, nil
}
