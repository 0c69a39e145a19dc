package barrier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recognise"
)

// recogniseGate returns ErrNotGate with what exists there, unless the znode may be
// a gate: persistent, without children, and with the data of one. Docent writes its
// owner. Curator writes an IP address and kazoo nothing: such a znode may be a
// config key, and is no gate if its data was written over, or if it has had
// children.
func (b *Barrier) recogniseGate(node core.Sighting) error {
	stat := node.Stat
	switch what := recognise.Node(b.path, node.Data, stat); {
	case stat.EphemeralOwner == 0 && stat.NumChildren == 0 && recognise.IsGate(node.Data):
		return nil
	case what != "":
		return notGate("%s", what)
	case len(node.Data) > 0 && !isAddress(node.Data):
		return notGate("it holds %d bytes that no gate holds, like a config key", len(node.Data))
	case stat.NumChildren != 0:
		return &notEmpty{notGate("it has %d children, like a directory", stat.NumChildren)}
	case stat.Cversion != 0:
		return notGate("it had children, like a directory")
	case stat.Version != 0:
		return notGate("its data was written over, like a config key's")
	}
	return nil
}

// notKept returns ErrNotGate if a history belongs to a znode that only looks like
// a gate: then it is a config key.
func (b *Barrier) notKept(ctx context.Context, s *core.Session, data []byte) error {
	if recognise.IsGate(data) {
		return nil
	}
	_, found, err := s.Exists(ctx, recognise.HistoryOf(b.path))
	switch {
	case errors.Is(err, core.ErrNoAuth):
		return nil // what may not be read tells nothing
	case err == nil && found:
		return notGate("it is a config key with a history")
	}
	return err
}

func notGate(what string, args ...any) error {
	return fmt.Errorf("%w: %s; check the path", ErrNotGate, fmt.Sprintf(what, args...))
}

// notEmpty is ErrNotGate that is session.ErrNotEmpty too.
type notEmpty struct{ error }

func (e *notEmpty) Unwrap() []error { return []error{e.error, core.ErrNotEmpty} }

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
