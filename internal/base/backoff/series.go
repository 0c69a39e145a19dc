package backoff

import "time"

// The packages share these series, so that the same event has the same pauses
// everywhere.
var (
	// Contention is for a write that conflicts with other writers.
	Contention = Backoff{Min: 2 * time.Millisecond, Max: 128 * time.Millisecond}
	// Lost is for an attempt that has lost its session or its znode.
	Lost = Backoff{Min: 10 * time.Millisecond, Max: time.Second}
	// Restart is for a user's function that ends soon and is called again.
	Restart = Backoff{Min: 100 * time.Millisecond, Max: 10 * time.Second}
)
