package config

import "slices"

// Codec turns the bytes of a node into a value and back. Both functions may be
// called from several goroutines at once. Decode must not keep data, and
// its errors should not quote it. Encode may be nil where nothing is ever
// written with Update.
type Codec[T any] struct {
	Decode func(data []byte) (T, error)
	Encode func(value T) ([]byte, error)
}

// Text is the codec of a value that is its bytes, as a string.
func Text() Codec[string] {
	return Codec[string]{
		Decode: func(data []byte) (string, error) { return string(data), nil },
		Encode: func(value string) ([]byte, error) { return []byte(value), nil },
	}
}

// Bytes is the codec of a value that is its bytes.
func Bytes() Codec[[]byte] {
	return Codec[[]byte]{
		Decode: func(data []byte) ([]byte, error) { return slices.Clone(data), nil },
		Encode: func(value []byte) ([]byte, error) { return slices.Clone(value), nil },
	}
}
