package jsonmerge

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// hostile are documents that are costly for a merge which compares or copies
// again at each level. Each has one change in it. With part 1, they have about a
// megabyte at most; their size is proportional to 1/part.
func hostile(part int) map[string]func(change string) string {
	deep := 9_984 / part // encoding/json reads 10,000 levels
	many := func(n int, item func(i int) string) string {
		items := make([]string, n/part)
		for i := range items {
			items[i] = item(i)
		}
		return strings.Join(items, ",")
	}
	return map[string]func(string) string{
		"deep objects": func(c string) string { return strings.Repeat(`{"a":`, deep) + c + strings.Repeat("}", deep) },
		"deep arrays":  func(c string) string { return strings.Repeat(`[`, deep) + c + strings.Repeat("]", deep) },
		"deep around a long text": func(c string) string {
			return strings.Repeat("[", deep) + c + `,"` + strings.Repeat("x", 100*deep) + `"` + strings.Repeat("]", deep)
		},
		"deep with siblings": func(c string) string {
			return strings.Repeat(`{"b":[1,"x"],"a":`, deep) + c + strings.Repeat(`,"c":{}}`, deep)
		},
		"one key many times": func(c string) string {
			return "{" + many(50_000, func(int) string { return `"a":1` }) + `,"b":` + c + "}"
		},
		"many keys": func(c string) string {
			return "{" + many(50_000, func(i int) string { return fmt.Sprintf(`"k%d":1`, i) }) + `,"b":` + c + "}"
		},
		"many equal elements": func(c string) string { return "[" + many(100_000, func(int) string { return "1" }) + "," + c + "]" },
		"many elements": func(c string) string {
			return "[" + c + "," + many(100_000, func(i int) string { return fmt.Sprint(i) }) + "]"
		},
		"long numbers": func(c string) string { return "[1e" + strings.Repeat("9", 500_000/part) + "," + c + "]" },
		"spellings of a key": func(c string) string {
			return "{" + many(1<<13, func(i int) string {
				key := []byte("abcdefghijklm")
				for bit := range key {
					if i&(1<<bit) != 0 {
						key[bit] -= 'a' - 'A'
					}
				}
				return fmt.Sprintf(`"%s":1`, key)
			}) + `,"b":` + c + "}"
		},
	}
}

// edits are what a document holds before and after. The last two differ in
// their order or their white space alone.
var edits = [][2]string{{"1", "2"}, {`[{"x":1,"y":2},1]`, `[{"y":2,"x":1},2]`}, {`{"x":1,"y":2}`, `{"y":2,"x":1}`}, {"[0]", "[ 0 ]"}}

// A merge reads each byte of its documents a few times at most. For a document
// eight times as large it allocates about eight times as much; that would be 64
// times as much if a level copied what is below it.
func TestFault50_CostOfHostileDocuments(t *testing.T) {
	small := hostile(128)
	for name, document := range hostile(16) {
		for _, c := range edits {
			t.Run(name+" "+c[0], func(t *testing.T) {
				least := allocated(t, small[name](c[0]), small[name](c[1]))
				require.Less(t, allocated(t, document(c[0]), document(c[1])), 16*least)
			})
		}
	}
	_, err := Merge([]byte(strings.Repeat("[", 1<<20)), []byte("1"), []byte("2"))
	require.ErrorIs(t, err, errSyntax, "too deep")
}

// allocated returns the bytes that some merges of a document allocate.
func allocated(t *testing.T, before, after string) uint64 {
	var start, end runtime.MemStats
	runtime.ReadMemStats(&start)
	for _, c := range [][3]string{{before, before, after}, {before, "{}", after}} {
		merged, err := Merge([]byte(c[0]), []byte(c[1]), []byte(c[2]))
		require.NoError(t, err)
		require.True(t, Equal(merged, []byte(after)))
	}
	runtime.ReadMemStats(&end)

	var m merger
	old, next := parsed(t, before), parsed(t, after)
	require.Equal(t, Equal([]byte(before), []byte(after)), m.equal(old, next))
	m.merge(old, old, next)
	require.Less(t, m.read, 4*(len(before)+len(after)))
	return end.TotalAlloc - start.TotalAlloc
}

func parsed(t *testing.T, text string) value {
	_, v, _, err := parse([]byte(text))
	require.NoError(t, err)
	return v
}
