package znode_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/docent-go/docent/internal/base/znode"
)

func TestParseSeq(t *testing.T) {
	for _, c := range []struct {
		name string
		tags []string
		want znode.Seq
	}{
		{"lock-0000000000", []string{"lock-"}, 0},
		{"lock-2147483647", []string{"lock-"}, math.MaxInt32},
		{"lock--2147483648", []string{"lock-"}, math.MinInt32},
		{"lock--2000000000", []string{"lock-"}, -2000000000},
		{"lock--000000001", []string{"lock-"}, -1},
		{"_c_0-lock-lock-0000000012", []string{"lock-"}, 12},
		{"_c_0-__READ__0000000003", []string{"__WRIT__", "__READ__"}, 3},
		{"latch-0000000004", []string{"latch-", "lock-"}, 4},
	} {
		got, ok := znode.ParseSeq(c.name, c.tags...)
		require.True(t, ok, "%q", c.name)
		require.Equal(t, c.want, got, "%q", c.name)
	}
}

func TestParseSeqOfStrangers(t *testing.T) {
	for _, name := range []string{
		"", "lock-", "lock", "lock-1", "lock-000000001", "lock-00000000001", "lock-2147483648", "lock-9999999999",
		"lock--2147483649", "lock--0000000001", "lock--00000001", "lock-+000000001", "lock- 000000001", "lock-0x00000001",
		"lock-000000000a", "lock-0000000001x", "lock-0000000001/", "read-0000000001", "lock-0000000001-lock-",
		"lock-00000-0001", "lock--000000000", "lock-٠٠٠٠٠", "lock-\x000000000001", "lock-0000_00001",
	} {
		_, ok := znode.ParseSeq(name, "lock-")
		require.False(t, ok, "%q", name)
	}
	_, ok := znode.ParseSeq("lock-0000000001")
	require.False(t, ok, "without tags no name is a contender")
}

// A Line is in the order of creation, whatever the counter's position and
// whatever other names are in the directory.
func TestLineProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.Int32().Draw(t, "start")
		steps := rapid.SliceOfN(rapid.Int32Range(1, 1000), 1, 30).Draw(t, "steps")
		strangers := rapid.SliceOfN(rapid.SampledFrom([]string{"_c_x", "lock-", "lock-abc", "x", "other-0000000001"}), 0, 5).Draw(t, "strangers")
		var want []znode.Place
		seq := start
		for _, step := range steps {
			seq += step
			name := fmt.Sprintf("_c_%s-lock-%010d", znode.NewGUID(), seq)
			want = append(want, znode.Place{Name: name, Seq: znode.Seq(seq)})
		}
		children := slices.Clone(strangers)
		for _, p := range want {
			children = append(children, p.Name)
		}
		children = rapid.Permutation(children).Draw(t, "children")
		self := rapid.SampledFrom(want).Draw(t, "self")
		if got := znode.Line(children, self.Seq, "lock-"); !slices.Equal(got, want) {
			t.Fatalf("from %d: got %v, want %v", self.Seq, got, want)
		}
	})
}

// Whatever other names are in the directory, the order does not depend on the
// order of the listing.
func TestLineIsTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SliceOfN(rapid.Int32(), 1, 12).Draw(t, "numbers")
		var children []string
		for i, n := range numbers {
			children = append(children, fmt.Sprintf("%d-lock-%010d", i%3, n))
		}
		self := znode.Seq(rapid.Int32().Draw(t, "self"))
		shuffled := rapid.Permutation(children).Draw(t, "shuffled")
		a, b := znode.Line(children, self, "lock-"), znode.Line(shuffled, self, "lock-")
		if len(a) != len(children) || !slices.Equal(a, b) {
			t.Fatalf("%v and %v", a, b)
		}
	})
}

func FuzzParseSeq(f *testing.F) {
	for _, name := range []string{"", "lock-", "lock-0000000001", "lock--2147483648", "_c_x", "lock-lock-0000000007", "lock-9999999999", "lock--999999999"} {
		f.Add(name, "lock-")
	}
	f.Fuzz(func(t *testing.T, name, tag string) {
		seq, ok := znode.ParseSeq(name, tag)
		if !ok {
			return
		}
		// Only a name that a server can print has a sequence number.
		suffix := fmt.Sprintf("%010d", int32(seq))
		if !strings.HasSuffix(name, tag+suffix) {
			t.Fatalf("%q has no %q before %s", name, tag, suffix)
		}
		if again, ok := znode.ParseSeq("x"+name, tag); !ok || again != seq {
			t.Fatalf("%q: %d, then %d", name, seq, again)
		}
	})
}
