package waitqueue

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/docent-go/docent/internal/base/znode"
)

var tags = []string{"lock-", "__lock__"}

// plain is a wait queue in which our contender waits for every predecessor.
var plain = New(Config{Dir: "/line", Tag: tags[0], Also: tags[1:]})

func name(prefix string, seq int32) string { return fmt.Sprintf("%s%010d", prefix, seq) }

// names draws the children of a directory: contenders with close numbers
// anywhere on the circle of numbers, and strangers.
func names(t *rapid.T) (all []string, line []string) {
	start := rapid.Int32().Draw(t, "start")
	for i := range rapid.IntRange(1, 40).Draw(t, "contenders") {
		prefix := rapid.SampledFrom([]string{"_c_00000000-0000-4000-8000-000000000000-lock-", "0123__lock__"}).Draw(t, "prefix")
		line = append(line, name(prefix, start+int32(3*i)))
	}
	all = slices.Concat(line, rapid.SliceOfN(rapid.SampledFrom([]string{
		"_c_x", "lock-", "lock-99999999999", "config", "x-latch-0000000000", "größe",
	}), 0, 6).Draw(t, "strangers"))
	return rapid.Permutation(all).Draw(t, "listed"), line
}

func TestInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, line := names(t)
		var got []string
		for _, p := range InOrder(all, tags) {
			got = append(got, p.Name)
		}
		require.Equal(t, line, got)
	})
}

// Each contender finds its last two predecessors. The first finds no
// predecessor.
func TestLook(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, line := names(t)
		for i, own := range line {
			self, ok := znode.ParseSeq(own, tags...)
			require.True(t, ok)
			want := view{before: i, behind: i < len(line)-1}
			if i > 0 {
				want.pred, want.first = line[i-1], line[0]
			}
			if i > 1 {
				want.ahead = line[i-2]
			}
			require.Equal(t, want, plain.look(all, own, self))
		}
	})
}

// Only incompatible predecessors count as before us. All later contenders count
// as behind us.
func TestLookBeside(t *testing.T) {
	mixed := New(Config{Dir: "/line", Tag: tags[0], Also: tags[1:], Compatible: tags[:1]})
	rapid.Check(t, func(t *rapid.T) {
		all, line := names(t)
		for i, own := range line {
			self, ok := znode.ParseSeq(own, tags...)
			require.True(t, ok)
			want := view{behind: i < len(line)-1}
			for _, other := range line[:i] {
				if _, blocks := znode.ParseSeq(other, tags[1]); blocks {
					want.before++
					want.first = cmp.Or(want.first, other)
					want.ahead, want.pred = want.pred, other
				}
			}
			require.Equal(t, want, mixed.look(all, own, self))
		}
	})
}

func TestLastBlocker(t *testing.T) {
	l := New(Config{Dir: "/line", Tag: tags[0], Also: tags[1:], Successors: tags[1:]})
	for _, c := range []struct {
		before int
		pred   string
		want   bool
	}{
		{1, name("lock-", 7), true},
		{2, name("lock-", 7), false},
		{1, name("__lock__", 7), false},
	} {
		require.Equal(t, c.want, l.lastBlocker(view{before: c.before, pred: c.pred}))
	}
}

func TestInOrderOfNothing(t *testing.T) {
	require.Empty(t, InOrder(nil, tags))
	require.Empty(t, InOrder([]string{"_c_x", "lock-"}, tags))
	require.Len(t, InOrder([]string{name("lock-", math.MinInt32)}, tags), 1)
}

// FuzzLook tests the choice of the predecessor with arbitrary names. The choice
// agrees with the order of znode.Line, which all recipes share, whatever names
// strangers create.
func FuzzLook(f *testing.F) {
	f.Add("_c_x\nlock-0000000001\nlock-0000000003", int32(2))
	f.Add("lock-2147483647\nlock--2147483648\n__lock__-2147483647", int32(math.MinInt32+2))
	f.Add("lock-0000000005\nx__lock__0000000005\nzlock-0000000005", int32(5))
	f.Add("lock-99999999999\nlock-\n鎖-0000000001\nlock--0000000001", int32(0))
	f.Fuzz(func(t *testing.T, listed string, number int32) {
		self := znode.Seq(number)
		own := name("_c_00000000-0000-4000-8000-000000000000-lock-", number)
		var children []string
		for _, child := range append(strings.Split(listed, "\n"), own) {
			if !slices.Contains(children, child) { // a directory has no two of a name
				children = append(children, child)
			}
		}
		v := plain.look(children, own, self)

		places := znode.Line(children, self, tags...)
		at := slices.IndexFunc(places, func(p znode.Place) bool { return p.Name == own })
		if at < 0 {
			t.Fatalf("%q is not in the line", own)
		}
		want := view{before: at, behind: at < len(places)-1}
		if at > 0 {
			want.pred, want.first = places[at-1].Name, places[0].Name
		}
		if at > 1 {
			want.ahead = places[at-2].Name
		}
		if v != want {
			t.Errorf("look found %+v, the line says %+v", v, want)
		}
		ordered := InOrder(children, tags)
		if len(ordered) != len(places) {
			t.Errorf("%d in order, %d in line", len(ordered), len(places))
		}
	})
}
