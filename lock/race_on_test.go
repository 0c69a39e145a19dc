//go:build race

package lock_test

// crowd is smaller under the race detector: each of the crowd lists all of it,
// and fifty million names take the detector minutes.
const crowd = 1_500
