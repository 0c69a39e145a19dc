//go:build race

package core_test

// raceEnabled says that the race detector is on, which makes large tests slow.
const raceEnabled = true
