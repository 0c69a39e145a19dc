package core

import "fmt"

// Lasting reports whether the end of no session deletes the node with the stat.
// For a hidden node that is not known, and the result is false.
func Lasting(stat Stat) bool { return stat.EphemeralOwner == 0 && !Hidden(stat) }

// WaitingFor is the error of a wait for the end of a node that ended with err.
// which describes the node, or is its path. The error matches ErrNotEphemeral,
// which says what to do, if the end of no session deletes the node.
func WaitingFor(which string, stat Stat, err error) error {
	if Lasting(stat) {
		return fmt.Errorf("waiting for %s: %w: %w", which, ErrNotEphemeral, err)
	}
	return fmt.Errorf("waiting for %s: %w", which, err)
}
