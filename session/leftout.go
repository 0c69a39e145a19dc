package session

// LeftOut is what the limits of a reader leave out: its Limit in znodes, and its
// MaxBytes in bytes of names and data.
//
// Limit keeps the first znodes in the order of their paths. MaxBytes goes
// through these in the same order, and keeps each znode that fits into what the
// znodes before it have left. So a single large znode costs only itself, and all
// readers with the same limits see the same znodes. What was left out comes back
// as soon as there is room.
type LeftOut struct {
	// Znodes is how many znodes are left out. Without any, it is zero.
	Znodes int `json:"znodes"`
	// Bytes is how many bytes MaxBytes leaves out. The sizes of znodes beyond
	// Limit are not known.
	Bytes int64 `json:"bytes,omitempty"`
	// First are the first znodes that are left out, up to three, by their paths
	// relative to the reader's.
	First []string `json:"first,omitempty"`
}
