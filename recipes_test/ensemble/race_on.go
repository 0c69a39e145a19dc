//go:build race

package ensemble

// raceEnabled says that this test binary runs with the race detector: then
// docent is built with it too.
const raceEnabled = true
