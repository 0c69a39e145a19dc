package barrier

import (
	"encoding/json"
	"fmt"
	"net/netip"

	"github.com/docent-go/docent/session"
)

// recogniseGate returns ErrNotGate with what exists there, unless the znode may be
// a gate: persistent, and with the data of one. Docent writes its owner, Curator
// an IP address, kazoo nothing. An empty znode that has or had children is a
// directory.
func recogniseGate(node session.Sighting) error {
	switch {
	case node.Stat.EphemeralOwner != 0:
		return notGate("it belongs to the session 0x%x", node.Stat.EphemeralOwner)
	case len(node.Data) == 0 && node.Stat.NumChildren == 0 && node.Stat.Cversion != 0:
		return notGate("it is an empty directory")
	case len(node.Data) == 0, isAddress(node.Data):
		return nil
	}
	if o := readOwner(node.Data); o.Host == "" || o.PID == 0 || o.ID != "" || o.Visit != "" {
		return notGate("it holds %d bytes that no gate holds, like a config key", len(node.Data))
	}
	return nil
}

func notGate(what string, args ...any) error {
	return fmt.Errorf("%w: %s; check the path", ErrNotGate, fmt.Sprintf(what, args...))
}

// isAddress reports whether data is an IP address, which is what Curator writes
// into a znode that it was given no data for.
func isAddress(data []byte) bool {
	_, err := netip.ParseAddr(string(data))
	return err == nil
}

// isRound reports whether a znode "ready" may be that of a rendezvous: Docent
// writes the round, Curator an IP address or nothing, kazoo nothing.
func isRound(data []byte) bool {
	var d readyData
	return len(data) == 0 || isAddress(data) || json.Unmarshal(data, &d) == nil && len(d.Members) > 0
}
