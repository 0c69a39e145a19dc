package znode

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Seq is the number that a server appends to the name of a sequential node. It
// is a signed 32-bit counter of the parent that wraps from 2147483647 to
// -2147483648. So Seqs have no fixed order. Only their distance has a meaning,
// if fewer than 2^31 nodes were created between the two.
type Seq int32

// ParseSeq reads the sequence number after the last occurrence of one of tags
// at the end of name, as in "lock-0000000007". It reports false for a name
// without such an end.
func ParseSeq(name string, tags ...string) (Seq, bool) {
	for _, tag := range tags {
		i := strings.LastIndex(name, tag)
		if i < 0 {
			continue
		}
		if seq, ok := parseSuffix(name[i+len(tag):]); ok {
			return seq, true
		}
	}
	return 0, false
}

// parseSuffix accepts exactly the output of "%010d" for an int32.
func parseSuffix(suffix string) (Seq, bool) {
	if len(suffix) != 10 && len(suffix) != 11 {
		return 0, false
	}
	for i := range len(suffix) {
		if c := suffix[i]; (c < '0' || c > '9') && (c != '-' || i > 0) {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(suffix, 10, 32)
	switch {
	case err != nil, len(suffix) == 11 && n > -1_000_000_000, n == 0 && suffix[0] == '-':
		return 0, false
	}
	return Seq(n), true
}

// Place is one contender in a directory.
type Place struct {
	Name string
	Seq  Seq
}

// Line returns the children with one of tags and a sequence number, in the
// order of their creation, as seen from the number self. The distance to self
// decides, so the order is total whatever other names are in the directory.
// Other children are left out.
func Line(children []string, self Seq, tags ...string) []Place {
	line := make([]Place, 0, len(children))
	for _, child := range children {
		if seq, ok := ParseSeq(child, tags...); ok {
			line = append(line, Place{child, seq})
		}
	}
	slices.SortFunc(line, func(a, b Place) int {
		if c := cmp.Compare(a.Seq-self, b.Seq-self); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return line
}
