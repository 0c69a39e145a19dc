//go:build race

package ensemble

// raceEnabled says that this test binary runs with the race detector: the docent it builds does too.
const raceEnabled = true
