package config

import (
	"fmt"
	"slices"
)

// propose calls f and returns the bytes to write: the node's own bytes if f
// changes nothing.
func (v *Value[T]) propose(now base, f func(T) (T, error)) (*proposal[T], error) {
	value, err := v.before(now)
	if err != nil {
		return nil, err
	}
	// Encode and copy before f, which may change what the value refers to: the
	// result of an Encode that makes no copy would change too.
	var before []byte
	var beforeErr error
	if now.exists {
		before, beforeErr = v.schema.codec.Encode(value)
		before = slices.Clone(before)
	}
	if value, err = f(value); err != nil {
		return nil, err
	}
	if err := v.schema.valid(value); err != nil {
		return nil, fmt.Errorf("the new value does not validate: %w", err)
	}
	after, err := v.schema.codec.Encode(value)
	if err != nil {
		return nil, fmt.Errorf("encode the new value: %w", err)
	}
	data := after
	switch {
	case !now.exists:
	case beforeErr == nil && v.schema.alike(before, after):
		data = now.data
	case v.schema.codec.Merge == nil:
	case beforeErr != nil:
		return nil, fmt.Errorf("encode the present value: %w", beforeErr)
	default:
		if data, err = v.merge(now.data, before, after); err != nil {
			return nil, err
		}
	}
	// The written bytes must decode for other readers. Decoding also makes a
	// copy that the caller's f can no longer change.
	if value, err = v.schema.read(data); err != nil {
		return nil, fmt.Errorf("the encoding of the new value does not decode: %w", err)
	}
	return &proposal[T]{value: value, data: data, over: now}, nil
}

// before returns the value to give to f. It also returns a value that does not
// validate: f may be there to repair it.
func (v *Value[T]) before(now base) (value T, err error) {
	data := now.data
	if !now.exists {
		if !v.schema.hasDefault {
			return value, nil
		}
		if data, err = v.schema.codec.Encode(v.schema.fallback); err != nil {
			return value, fmt.Errorf("copy the default: %w", err)
		}
	}
	if value, err = v.schema.decode(data); err != nil {
		return value, &badKey{BadValueError{v.path, now.stat.Version, now.stat.Mzxid, err}}
	}
	return value, nil
}

// merge applies the change to the bytes of the node. A type may decode more
// than it encodes, such as the old name of a field: if the merged bytes do not
// decode to the value of f, merge returns the whole encoding.
func (v *Value[T]) merge(node, before, after []byte) ([]byte, error) {
	merged, err := v.schema.codec.Merge(node, before, after)
	if err != nil {
		return nil, fmt.Errorf("merge the new value into what the znode holds: %w", err)
	}
	value, err := v.schema.read(merged)
	if err != nil {
		return after, nil // the caller checks it
	}
	again, err := v.schema.codec.Encode(value)
	if err == nil && v.schema.alike(again, after) {
		return merged, nil
	}
	return after, nil
}
