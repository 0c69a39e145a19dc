package config

import "slices"

// Codec decodes the bytes of a znode into a value, and encodes a value. Its
// functions may be called from several goroutines at once. Decode must not keep
// data, and its errors should not quote data. Encode may be nil if Update is
// never called.
type Codec[T any] struct {
	Decode func(data []byte) (T, error)
	Encode func(value T) ([]byte, error)

	// Merge, unless nil, preserves the parts of the znode that T does not hold.
	// Update calls it to apply a change to the bytes of the znode. before is
	// the encoding of the value that Decode returned for node, and after the
	// encoding of the changed value. The result is the data to write. Merge
	// must not change or keep its arguments. Without Merge, Update writes
	// after.
	//
	// The Merge of JSON serves every codec whose bytes are JSON.
	Merge func(node, before, after []byte) ([]byte, error)
}

// Text is the codec of a string: its bytes are the value.
func Text() Codec[string] {
	return Codec[string]{
		Decode: func(data []byte) (string, error) { return string(data), nil },
		Encode: func(value string) ([]byte, error) { return []byte(value), nil },
	}
}

// Bytes is the codec of raw bytes.
func Bytes() Codec[[]byte] {
	return Codec[[]byte]{
		Decode: func(data []byte) ([]byte, error) { return slices.Clone(data), nil },
		Encode: func(value []byte) ([]byte, error) { return slices.Clone(value), nil },
	}
}
