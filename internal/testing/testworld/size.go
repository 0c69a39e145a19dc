package testworld

import "os"

// Sized returns the number of things that a test counts or repeats: full, or
// small under the race detector, which makes the test many times slower. With
// DOCENT_SCALE set it is always full. The small size must still be able to fail
// the test.
func Sized(small, full int) int {
	if raceEnabled && os.Getenv("DOCENT_SCALE") == "" {
		return small
	}
	return full
}
