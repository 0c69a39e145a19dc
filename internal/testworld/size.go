package testworld

import "os"

// Sized returns the full size of something that a test counts or repeats. Under
// the race detector, which makes it many times as slow, it returns the small one,
// unless DOCENT_SCALE is set. The small size must still be able to fail the test.
func Sized(small, full int) int {
	if raceEnabled && os.Getenv("DOCENT_SCALE") == "" {
		return small
	}
	return full
}
