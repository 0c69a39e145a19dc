package jsonmerge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// hostile are documents of about a megabyte at most that are costly for a merge
// which compares or copies again at each level. Each has one change in it.
func hostile() map[string]func(change string) string {
	const deep = 9_990 // encoding/json reads 10,000 levels
	many := func(n int, item func(i int) string) string {
		items := make([]string, n)
		for i := range items {
			items[i] = item(i)
		}
		return strings.Join(items, ",")
	}
	return map[string]func(string) string{
		"deep objects": func(c string) string { return strings.Repeat(`{"a":`, deep) + c + strings.Repeat("}", deep) },
		"deep arrays":  func(c string) string { return strings.Repeat(`[`, deep) + c + strings.Repeat("]", deep) },
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
		"long numbers": func(c string) string { return "[1e" + strings.Repeat("9", 500_000) + "," + c + "]" },
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

// No document makes a merge cost more than its size, or so.
func TestFault50_CostOfHostileDocuments(t *testing.T) {
	for name, document := range hostile() {
		t.Run(name, func(t *testing.T) {
			before, after := []byte(document("1")), []byte(document("2"))
			start := time.Now()
			merged, err := Merge(before, before, after)
			require.NoError(t, err)
			require.True(t, Equal(merged, after))
			require.False(t, Equal(before, after))
			_, err = Merge(before, []byte("{}"), after)
			require.NoError(t, err)
			require.Less(t, time.Since(start), 10*time.Second, "milliseconds, unless it is quadratic")
		})
	}
	_, err := Merge([]byte(strings.Repeat("[", 1<<20)), []byte("1"), []byte("2"))
	require.ErrorIs(t, err, errSyntax, "too deep")
}
