package zktest

import (
	"encoding/binary"
	"errors"
	"slices"
)

// errShort reports a record that ends before its last field does.
var errShort = errors.New("zktest: malformed record")

// decoder reads jute's primitive types. The first failure sticks: every later read
// returns a zero value, so that a record is decoded in one go and checked once.
type decoder struct {
	buf []byte
	err error
}

func (d *decoder) take(n int) []byte {
	if d.err != nil || n < 0 || n > len(d.buf) {
		d.err = errShort
		return nil
	}
	b := d.buf[:n:n]
	d.buf = d.buf[n:]
	return b
}

func (d *decoder) int32() int32 {
	b := d.take(4)
	if b == nil {
		return 0
	}
	return int32(binary.BigEndian.Uint32(b))
}

func (d *decoder) int64() int64 {
	b := d.take(8)
	if b == nil {
		return 0
	}
	return int64(binary.BigEndian.Uint64(b))
}

func (d *decoder) bool() bool {
	b := d.take(1)
	return b != nil && b[0] != 0
}

// buffer keeps jute's difference between no buffer (length -1, nil) and an empty one,
// because a znode without data and a znode with empty data are answered differently.
func (d *decoder) buffer() []byte {
	n := d.int32()
	if d.err != nil || n == -1 {
		return nil
	}
	b := d.take(int(n))
	if d.err != nil {
		return nil
	}
	return append([]byte{}, b...)
}

func (d *decoder) string() string {
	n := d.int32()
	if d.err != nil || n == -1 {
		return ""
	}
	return string(d.take(int(n)))
}

// path is a string that must be there: most requests without a path make ZooKeeper stumble. Those that it only finds
// invalid read their path as a string, empty if it is not there.
func (d *decoder) path() string {
	if len(d.buf) >= 4 && int32(binary.BigEndian.Uint32(d.buf)) == -1 {
		d.err = errShort
	}
	return d.string()
}

// count reads a vector's length. No element is shorter than min bytes, so a length that
// the rest of the record cannot hold fails here instead of allocating what a hostile frame asks for.
func (d *decoder) count(min int) int {
	n := d.int32()
	if d.err != nil || n < 0 {
		return 0 // any negative length stands for no elements
	}
	if int(n) > len(d.buf)/min {
		d.err = errShort
		return 0
	}
	return int(n)
}

func (d *decoder) strings() []string {
	n := d.count(4)
	out := make([]string, 0, n)
	for range n {
		out = append(out, d.string())
	}
	return out
}

// list is a list of strings that must be there.
func (d *decoder) list() []string {
	if len(d.buf) >= 4 && int32(binary.BigEndian.Uint32(d.buf)) == -1 {
		d.err = errShort
	}
	return d.strings()
}

func (d *decoder) acls() []ACL {
	n := d.count(12)
	out := make([]ACL, 0, n)
	for range n {
		out = append(out, ACL{Perms: d.int32(), Scheme: d.string(), ID: d.string()})
	}
	return out
}

// encoder builds one frame; its first four bytes are kept for the length.
type encoder struct{ buf []byte }

func newEncoder() *encoder { return &encoder{buf: make([]byte, 4, 128)} }

func (e *encoder) int32(v int32) { e.buf = binary.BigEndian.AppendUint32(e.buf, uint32(v)) }
func (e *encoder) int64(v int64) { e.buf = binary.BigEndian.AppendUint64(e.buf, uint64(v)) }

func (e *encoder) bool(v bool) {
	var b byte
	if v {
		b = 1
	}
	e.buf = append(e.buf, b)
}

func (e *encoder) buffer(b []byte) {
	if b == nil {
		e.int32(-1)
		return
	}
	e.int32(int32(len(b)))
	e.buf = append(e.buf, b...)
}

func (e *encoder) string(s string) {
	e.int32(int32(len(s)))
	e.buf = append(e.buf, s...)
}

func (e *encoder) strings(list []string) {
	size := 4
	for _, s := range list {
		size += 4 + len(s)
	}
	e.buf = slices.Grow(e.buf, size)
	e.int32(int32(len(list)))
	for _, s := range list {
		e.string(s)
	}
}

func (e *encoder) acls(list []ACL) {
	e.int32(int32(len(list)))
	for _, a := range list {
		e.int32(a.Perms)
		e.string(a.Scheme)
		e.string(a.ID)
	}
}

func (e *encoder) stat(st Stat) {
	e.int64(st.Czxid)
	e.int64(st.Mzxid)
	e.int64(st.Ctime)
	e.int64(st.Mtime)
	e.int32(st.Version)
	e.int32(st.Cversion)
	e.int32(st.Aversion)
	e.int64(st.EphemeralOwner)
	e.int32(st.DataLength)
	e.int32(st.NumChildren)
	e.int64(st.Pzxid)
}

// frame returns the finished frame, length first.
func (e *encoder) frame() []byte {
	binary.BigEndian.PutUint32(e.buf, uint32(len(e.buf)-4))
	return e.buf
}
