package jsonmerge

import (
	"slices"
	"strings"
	"unicode"
)

// Merge returns node with the changes from before to after. If before and after
// are equal, the result is node itself. Apart from that, Merge keeps and
// changes none of its arguments, and is safe for concurrent use.
//
// Keys are matched as encoding/json does. A key of node matches an equal key of
// before or after. If neither has an equal key, it matches one that differs in
// case alone. The error says that one of the texts is not JSON, and does not
// quote it.
func Merge(node, before, after []byte) ([]byte, error) {
	lead, now, tail, err := parse(node)
	if err != nil {
		return nil, err
	}
	_, old, _, err := parse(before)
	if err != nil {
		return nil, err
	}
	_, next, _, err := parse(after)
	if err != nil {
		return nil, err
	}
	var m merger
	if m.equal(old, next) {
		return node, nil
	}
	text := append(make([]byte, 0, len(node)+len(after)), lead...)
	return append(m.merge(now, old, next).appendTo(text), tail...), nil
}

// merger does one merge.
type merger struct{ comparer }

// text is a text in parts, so that no level copies what is below it.
type text struct {
	raw   []byte
	parts []text
}

func (t text) appendTo(b []byte) []byte {
	b = append(b, t.raw...)
	for _, part := range t.parts {
		b = part.appendTo(b)
	}
	return b
}

// Equal reports whether two texts hold the same value. It ignores the order of
// keys and white space; it compares numbers digit by digit. Texts that are not
// JSON are never equal.
func Equal(a, b []byte) bool {
	_, x, _, err := parse(a)
	if err != nil {
		return false
	}
	_, y, _, err := parse(b)
	return err == nil && new(comparer).equal(x, y)
}

// nothing is an empty object, in place of an object that did not exist before.
var nothing = value{raw: []byte("{}"), sum: value{raw: []byte("{}")}.hash()}

// merge returns the new text of now.
func (m *merger) merge(now, old, next value) text {
	if m.equal(old, next) {
		return text{raw: now.raw}
	}
	if old.kind() == 0 && next.kind() == '{' {
		old = nothing
	}
	switch {
	case now.kind() != next.kind() || old.kind() != next.kind():
		return text{raw: next.raw}
	case next.kind() == '{':
		return m.object(now, old, next)
	case next.kind() == '[':
		return m.array(now, old, next)
	}
	return text{raw: next.raw}
}

// part is an item of the result.
type part struct {
	key, mid []byte
	value    text
}

func (m *merger) object(now, old, next value) text {
	before, after := byName(old.items), byName(next.items)
	places := newKeys(now.items, before, after)

	parts := make([]*part, len(now.items))
	for i, it := range now.items {
		parts[i] = &part{it.key, it.mid, text{raw: it.value.raw}}
	}
	remove := func(places []int) {
		for _, i := range places {
			parts[i] = nil
		}
	}
	for name := range before {
		if _, stays := after[name]; !stays {
			remove(places.of(name))
		}
	}
	mid := []byte(":")
	if len(now.items) > 0 {
		mid = now.items[len(now.items)-1].mid
	}
	for i, it := range next.items {
		if after[it.name] != i {
			continue
		}
		var was value
		if at, found := before[it.name]; found {
			if was = old.items[at].value; m.equal(was, it.value) {
				continue
			}
		}
		at := places.of(it.name)
		switch {
		case len(at) == 0:
			parts = append(parts, &part{it.key, mid, text{raw: it.value.raw}})
		case len(at) == 1:
			parts[at[0]].value = m.merge(now.items[at[0]].value, was, it.value)
		default:
			last := at[len(at)-1]
			parts[last].value = text{raw: it.value.raw}
			remove(at[:len(at)-1])
		}
	}
	return render("{", now.items, slices.DeleteFunc(parts, func(p *part) bool { return p == nil }), "}")
}

// keys says where an object has the keys that the encoder knows.
type keys struct{ exact, folded map[string][]int }

// newKeys finds the keys. A key that differs from a known one in case matches
// it, unless the key is known itself.
func newKeys(items []item, before, after map[string]int) keys {
	k := keys{make(map[string][]int), make(map[string][]int)}
	for i, it := range items {
		_, was := before[it.name]
		_, is := after[it.name]
		if was || is {
			k.exact[it.name] = append(k.exact[it.name], i)
		} else {
			folded := fold(it.name)
			k.folded[folded] = append(k.folded[folded], i)
		}
	}
	return k
}

// of returns the places of a key in their order. The last one counts.
func (k keys) of(name string) []int {
	all := slices.Concat(k.exact[name], k.folded[fold(name)])
	slices.Sort(all)
	return all
}

// fold maps all spellings of a key that encoding/json considers equal to one
// spelling.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		for { // through the spellings of the letter, to the smallest
			next := unicode.SimpleFold(r)
			if next <= r {
				return next
			}
			r = next
		}
	}, s)
}

// array pairs the new elements with the old ones.
func (m *merger) array(now, old, next value) text {
	if len(now.items) < len(old.items) || len(now.items) > len(old.items) && len(old.items) != len(next.items) {
		return text{raw: next.raw} // the decoder does more than decode each element
	}
	from := m.pair(old.items, next.items)
	if len(now.items) > len(old.items) { // a Go array, which drops the elements beyond its length
		for j := range from {
			from[j] = j
		}
	}
	var parts []*part
	for j, it := range next.items {
		p := &part{value: text{raw: it.value.raw}}
		if i := from[j]; i >= 0 {
			p.value = m.merge(now.items[i].value, old.items[i].value, it.value)
		}
		parts = append(parts, p)
	}
	for _, it := range now.items[len(old.items):] {
		parts = append(parts, &part{value: text{raw: it.value.raw}})
	}
	return render("[", now.items, parts, "]")
}

// pair returns for each element of after its index in before, or -1.
func (m *merger) pair(before, after []item) []int {
	from := make([]int, len(after))
	for j := range from {
		from[j] = -1
	}
	taken := make([]bool, len(before))
	match := func(i, j int) { from[j], taken[i] = i, true }

	first := 0
	for first < min(len(before), len(after)) && m.equal(before[first].value, after[first].value) {
		match(first, first)
		first++
	}
	last := 0 // equal elements at the end
	for last < min(len(before), len(after))-first &&
		m.equal(before[len(before)-1-last].value, after[len(after)-1-last].value) {
		match(len(before)-1-last, len(after)-1-last)
		last++
	}
	same := make(map[uint64][]int) // the elements of each sum, since their texts may be long
	for i := first; i < len(before)-last; i++ {
		sum := before[i].value.sum
		same[sum] = append(same[sum], i)
	}
	for j := first; j < len(after)-last; j++ {
		sum := after[j].value.sum
		if places := same[sum]; len(places) > 0 && m.equal(before[places[0]].value, after[j].value) {
			match(places[0], j)
			same[sum] = places[1:]
		}
	}
	for j := 0; j < len(after); j++ {
		if from[j] >= 0 {
			continue
		}
		end := j // the end of the unpaired elements
		for end < len(after) && from[end] < 0 {
			end++
		}
		lo, hi := 0, len(before)
		if j > 0 {
			lo = from[j-1] + 1
		}
		if end < len(after) {
			hi = from[end]
		}
		if hi-lo == end-j && !slices.Contains(taken[lo:hi], true) {
			for ; j < end; j++ {
				match(lo, j)
				lo++
			}
		}
		j = end
	}
	return from
}

// render writes the parts in the layout of items.
func render(begin string, items []item, parts []*part, end string) text {
	all := make([]text, 0, 2+5*len(parts))
	add := func(raw []byte) { all = append(all, text{raw: raw}) }
	add([]byte(begin))
	for i, p := range parts {
		if i > 0 {
			add([]byte(","))
		}
		if n := len(items); n > 0 {
			add(items[min(i, n-1)].lead)
		}
		add(p.key)
		add(p.mid)
		all = append(all, p.value)
		switch n := len(items); {
		case n == 0:
		case i == len(parts)-1:
			add(items[n-1].tail)
		case i < n-1:
			add(items[i].tail)
		}
	}
	add([]byte(end))
	return text{parts: all}
}
