package wire

import (
	"encoding/binary"
	"errors"
	"slices"
)

// ErrMalformed reports a record that ends before its last field, or that has a
// length beyond its end.
var ErrMalformed = errors.New("malformed record")

// Decoder reads the primitive types of jute from the front of a record. After
// the first failure every read returns a zero value. So a record is decoded in
// one go and checked once. It is not safe for concurrent use.
type Decoder struct {
	buf   []byte
	err   error
	skims bool // nothing is allocated: only the form of the record matters
}

// NewDecoder returns a Decoder of the record. Its results share no memory with
// the record, except for Rest and View.
func NewDecoder(record []byte) *Decoder { return &Decoder{buf: record} }

// Err returns an error that matches ErrMalformed once a read has failed.
func (d *Decoder) Err() error { return d.err }

// Rest returns the unread part.
func (d *Decoder) Rest() []byte { return d.buf }

// Fail marks the record as malformed, for a caller that misses a required
// value. The first reason stays.
func (d *Decoder) Fail() {
	if d.err == nil {
		d.err = ErrMalformed
	}
}

func (d *Decoder) take(n int) []byte {
	if d.err != nil || n < 0 || n > len(d.buf) {
		d.Fail()
		return nil
	}
	b := d.buf[:n:n]
	d.buf = d.buf[n:]
	return b
}

// Int32 reads an int.
func (d *Decoder) Int32() int32 {
	b := d.take(4)
	if b == nil {
		return 0
	}
	return int32(binary.BigEndian.Uint32(b))
}

// Int64 reads a long.
func (d *Decoder) Int64() int64 {
	b := d.take(8)
	if b == nil {
		return 0
	}
	return int64(binary.BigEndian.Uint64(b))
}

// Bool reads a boolean.
func (d *Decoder) Bool() bool {
	b := d.take(1)
	return b != nil && b[0] != 0
}

// Null reports whether a length of -1 is next, which means no value.
func (d *Decoder) Null() bool {
	return len(d.buf) >= 4 && int32(binary.BigEndian.Uint32(d.buf)) == -1
}

// Buffer reads a buffer. An absent buffer is nil, and differs from an empty
// one: servers answer them differently.
func (d *Decoder) Buffer() []byte {
	n := d.Int32()
	if d.err != nil || n == -1 {
		return nil
	}
	b := d.take(int(n))
	if d.err != nil {
		return nil
	}
	return append([]byte{}, b...)
}

// View is Buffer, but the result shares the record's memory.
func (d *Decoder) View() []byte {
	n := d.Int32()
	if d.err != nil || n == -1 {
		return nil
	}
	return d.take(int(n))
}

// String reads a string. An absent string reads as an empty one.
func (d *Decoder) String() string {
	b := d.View()
	if d.skims {
		return ""
	}
	return string(b)
}

// Count reads the length of a vector. Each element takes minSize bytes or more,
// and the rest of the record must have room for all elements. A length of -1
// means an absent vector, which Count reads as an empty one.
func (d *Decoder) Count(minSize int) int {
	n := d.Int32()
	if d.err != nil || n == -1 {
		return 0
	}
	if n < 0 || int(n) > len(d.buf)/minSize {
		d.Fail()
		return 0
	}
	return int(n)
}

// Strings reads a vector of strings.
func (d *Decoder) Strings() []string {
	n := d.Count(4)
	out := make([]string, 0, n)
	for range n {
		out = append(out, d.String())
	}
	return out
}

// prefix is the size of the length before each frame.
const prefix = 4

// Encoder builds one frame. It is not safe for concurrent use.
type Encoder struct{ buf []byte }

// NewEncoder returns an Encoder of a frame that is likely to take size bytes.
func NewEncoder(size int) *Encoder {
	return &Encoder{buf: make([]byte, prefix, prefix+size)}
}

// Int32 appends an int.
func (e *Encoder) Int32(v int32) { e.buf = binary.BigEndian.AppendUint32(e.buf, uint32(v)) }

// Int64 appends a long.
func (e *Encoder) Int64(v int64) { e.buf = binary.BigEndian.AppendUint64(e.buf, uint64(v)) }

// Bool appends a boolean.
func (e *Encoder) Bool(v bool) {
	var b byte
	if v {
		b = 1
	}
	e.buf = append(e.buf, b)
}

// Buffer appends a buffer. nil is an absent buffer, not an empty one.
func (e *Encoder) Buffer(b []byte) {
	if b == nil {
		e.Int32(-1)
		return
	}
	e.Int32(int32(len(b)))
	e.buf = append(e.buf, b...)
}

// String appends a string.
func (e *Encoder) String(s string) {
	e.Int32(int32(len(s)))
	e.buf = append(e.buf, s...)
}

// Strings appends a vector of strings.
func (e *Encoder) Strings(list []string) {
	size := 4
	for _, s := range list {
		size += StringSize(s)
	}
	e.buf = slices.Grow(e.buf, size)
	e.Int32(int32(len(list)))
	for _, s := range list {
		e.String(s)
	}
}

// Frame returns the frame including its length prefix. The Encoder must not be
// used afterwards.
func (e *Encoder) Frame() []byte {
	binary.BigEndian.PutUint32(e.buf, uint32(len(e.buf)-prefix))
	return e.buf
}

// StringSize is the encoded size of a string.
func StringSize(s string) int { return 4 + len(s) }

// BufferSize is the encoded size of a buffer.
func BufferSize(b []byte) int { return 4 + len(b) }
