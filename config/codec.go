package config

import "slices"

// Codec turns the bytes of a node into a value and back. Its functions may be
// called from several goroutines at once. Decode must not keep data, and
// its errors should not quote it. Encode may be nil where nothing is ever
// written with Update.
type Codec[T any] struct {
	Decode func(data []byte) (T, error)
	Encode func(value T) ([]byte, error)

	// Merge, unless nil, keeps what T does not hold: Update calls it to carry a
	// change over into the bytes of the node. Before is what Encode makes of the
	// value that Decode has returned for node, and after what Encode makes of the
	// changed one. The result is what to write. Merge changes none of its
	// arguments and does not keep them. Without Merge, Update writes after.
	//
	// The Merge of JSON is of use to every codec whose bytes are JSON.
	Merge func(node, before, after []byte) ([]byte, error)
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
