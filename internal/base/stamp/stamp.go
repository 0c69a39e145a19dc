// Package stamp reads the times in znodes and in stats, which any program or
// server may have written.
package stamp

import "time"

// first and last are the limits of the times that Millis returns. A time in the
// year 10000 has no JSON form, and makes the whole document fail. In every time
// zone, last is in the year 9999.
var (
	first = time.Time{}
	last  = time.Date(9999, 12, 31, 9, 0, 0, 0, time.UTC)
)

// Millis returns the local time of a number of milliseconds since 1970. A
// number before the year 1 counts as the zero Time, and a number after the year
// 9999 as its end.
func Millis(ms int64) time.Time {
	return time.UnixMilli(min(max(ms, first.UnixMilli()), last.UnixMilli()))
}
