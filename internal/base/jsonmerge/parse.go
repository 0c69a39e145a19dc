package jsonmerge

import (
	"bytes"
	"encoding/json"
	"errors"
	"hash/maphash"
	"slices"
	"strings"
	"unicode/utf8"
)

// value is one JSON value and its text. The texts are parts of the document.
type value struct {
	raw   []byte // without surrounding white space
	items []item // the parts of an object or array
	sum   uint64 // equal values have the same sum
}

// item is a member of an object or an element of an array. Its text is lead,
// key, mid, the value, tail.
type item struct {
	lead  []byte // white space
	key   []byte // with its quotes; empty in an array
	mid   []byte // the colon and the white space around it
	value value
	tail  []byte // white space before the comma or the end
	name  string // the key, decoded
}

func (v value) kind() byte {
	if len(v.raw) == 0 {
		return 0 // no value
	}
	return v.raw[0]
}

// errSyntax says that a text is not JSON.
var errSyntax = errors.New("the text is not valid JSON")

// parse splits a document into white space, a value, and white space.
func parse(data []byte) (lead []byte, v value, tail []byte, err error) {
	if !json.Valid(data) {
		return nil, value{}, nil, errSyntax
	}
	p := parser{data}
	lead = p.space()
	v = p.value()
	return lead, v, p.rest, nil
}

// parser reads a text that is known to be valid, of bounded depth.
type parser struct{ rest []byte }

// take returns the next n bytes.
func (p *parser) take(n int) []byte {
	taken := p.rest[:n:n]
	p.rest = p.rest[n:]
	return taken
}

func (p *parser) space() []byte {
	n := 0
	for n < len(p.rest) && strings.IndexByte(" \t\r\n", p.rest[n]) >= 0 {
		n++
	}
	return p.take(n)
}

func (p *parser) value() value {
	start := p.rest
	var v value
	switch p.rest[0] {
	case '{', '[':
		v.items = p.list()
	case '"':
		p.text()
	default:
		n := 0
		for n < len(p.rest) && strings.IndexByte(" \t\r\n,]}", p.rest[n]) < 0 {
			n++
		}
		p.take(n)
	}
	n := len(start) - len(p.rest)
	v.raw = start[:n:n]
	v.sum = v.hash()
	return v
}

// list reads an object or an array.
func (p *parser) list() []item {
	isObject := p.take(1)[0] == '{'
	var items []item
	for {
		it := item{lead: p.space()}
		if len(items) == 0 && (p.rest[0] == '}' || p.rest[0] == ']') {
			p.take(1)
			return nil
		}
		if isObject {
			it.key = p.text()
			it.name = decodeKey(it.key)
			before := p.rest
			p.space()
			p.take(1) // the colon
			p.space()
			n := len(before) - len(p.rest)
			it.mid = before[:n:n]
		}
		it.value = p.value()
		it.tail = p.space()
		items = append(items, it)
		if p.take(1)[0] != ',' {
			return items
		}
	}
}

// text reads a string with its quotes.
func (p *parser) text() []byte {
	n := 1
	for p.rest[n] != '"' {
		if p.rest[n] == '\\' {
			n++
		}
		n++
	}
	return p.take(n + 1)
}

// decodeKey decodes a key as encoding/json does, which defines its meaning.
func decodeKey(quoted []byte) string {
	var key string
	if err := json.Unmarshal(quoted, &key); err != nil {
		panic(err) // the document is valid
	}
	return key
}

// seed makes the sums of values unpredictable for writers of documents.
var seed = maphash.MakeSeed()

// hash computes the sum of a value from its parts. Without sums, a merge would
// compare the whole rest of a document at each level.
func (v value) hash() uint64 {
	switch v.kind() {
	case '"':
		if raw := v.raw[1 : len(v.raw)-1]; bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
			return maphash.Bytes(seed, raw)
		}
		return maphash.String(seed, decodeKey(v.raw))
	case '[':
		sum := uint64('[')
		for _, it := range v.items {
			sum = maphash.Comparable(seed, [2]uint64{sum, it.value.sum})
		}
		return sum
	case '{':
		sum := uint64('{') // a sum of all members, because their order is ignored
		for name, at := range byName(v.items) {
			sum += maphash.Comparable(seed, [2]uint64{maphash.String(seed, name), v.items[at].value.sum})
		}
		return sum
	}
	return maphash.Bytes(seed, v.raw) + 1
}

// comparer compares values. Tests hold what it reads to the size of the texts.
type comparer struct{ read int } // values, and bytes of their texts

// equal reports whether two texts of one encoder have the same value. It
// ignores the order of keys, because an encoder of maps may change it. If an
// object has a key twice, the last value counts.
//
// It compares the texts of scalars alone. The text of a list holds the texts of
// all lists in it, which would be compared again at each level.
func (c *comparer) equal(a, b value) bool {
	c.read++
	if a.sum != b.sum || a.kind() != b.kind() {
		return false
	}
	switch a.kind() {
	case '[':
		return slices.EqualFunc(a.items, b.items, func(x, y item) bool { return c.equal(x.value, y.value) })
	case '{':
		first, second := byName(a.items), byName(b.items)
		if len(first) != len(second) {
			return false
		}
		for name, i := range first {
			at, found := second[name]
			if !found || !c.equal(a.items[i].value, b.items[at].value) {
				return false
			}
		}
		return true
	case '"':
		c.read += len(a.raw)
		return string(a.raw) == string(b.raw) || decodeKey(a.raw) == decodeKey(b.raw)
	}
	c.read += len(a.raw)
	return string(a.raw) == string(b.raw)
}

// byName returns the index of each key; the last one, if a key comes twice.
func byName(items []item) map[string]int {
	index := make(map[string]int, len(items))
	for i, it := range items {
		index[it.name] = i
	}
	return index
}
