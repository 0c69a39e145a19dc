package jsonmerge

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

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

// A document eight times as large costs a merge about eight times as much. It
// would be 64 times as much if the cost were quadratic. The processor time of
// this thread counts, since the machine may have other work.
func TestFault50_CostOfHostileDocuments(t *testing.T) {
	small := hostile(128)
	for name, document := range hostile(16) {
		t.Run(name, func(t *testing.T) {
			least := costOf(t, small[name])
			require.Less(t, costOf(t, document), 24*max(least, time.Millisecond))
		})
	}
	_, err := Merge([]byte(strings.Repeat("[", 1<<20)), []byte("1"), []byte("2"))
	require.ErrorIs(t, err, errSyntax, "too deep")
}

// costOf returns the least processor time of some merges of a document.
func costOf(t *testing.T, document func(change string) string) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, after := []byte(document("1")), []byte(document("2"))
	least := time.Duration(math.MaxInt64)
	for range 3 {
		start := threadTime(t)
		merged, err := Merge(before, before, after)
		require.NoError(t, err)
		require.True(t, Equal(merged, after))
		require.False(t, Equal(before, after))
		_, err = Merge(before, []byte("{}"), after)
		require.NoError(t, err)
		least = min(least, threadTime(t)-start)
	}
	return least
}

// threadTime returns the processor time of this thread.
func threadTime(t *testing.T) time.Duration {
	const thread = 1 // RUSAGE_THREAD
	var used syscall.Rusage
	require.NoError(t, syscall.Getrusage(thread, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
