package barrier

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/recognise"
)

// recogniseGate returns ErrForeign, with a description of the znode, unless the
// znode may be a gate: persistent, without children, and with a gate's data.
// Docent writes its owner, Curator an IP address, kazoo no data. A znode as
// Curator's or kazoo's may be a config key: it is not a gate if it was
// overwritten or has had children.
func (b *Barrier) recogniseGate(node core.Sighting) error {
	stat := node.Stat
	switch what := recognise.Node(b.path, node.Data, stat); {
	case stat.EphemeralOwner == 0 && stat.NumChildren == 0 && recognise.IsGate(node.Data):
		return nil
	case what != "":
		return notGate("%s", what)
	case len(node.Data) > 0 && !isAddress(node.Data):
		return notGate("it has %d bytes of data unlike a gate, as a config key has", len(node.Data))
	case stat.NumChildren != 0:
		return &notEmpty{notGate("it has children (%d), like a directory", stat.NumChildren)}
	case stat.Cversion != 0:
		return notGate("it had children, like a directory")
	case stat.Version != 0:
		return notGate("its data was overwritten, as that of a config key")
	}
	return nil
}

// recogniseOther returns ErrForeign only if the znode certainly belongs to
// another recipe: it shows which one, or it has children. For Curator and kazoo
// any znode is a closed gate, whatever its data.
func (b *Barrier) recogniseOther(node core.Sighting) error {
	if recognise.Node(b.path, node.Data, node.Stat) == "" && node.Stat.NumChildren == 0 {
		return nil
	}
	return b.recogniseGate(node)
}

// notKey returns ErrForeign for a znode that looks like a gate and has a
// history: it is a config key.
func (b *Barrier) notKey(ctx context.Context, s *core.Session, data []byte) error {
	if recognise.IsGate(data) {
		return nil
	}
	_, found, err := s.Exists(ctx, recognise.HistoryOf(b.path))
	switch {
	case errors.Is(err, core.ErrNoAuth):
		return nil // a history that may not be read is ignored
	case err == nil && found:
		return notGate("it is a config key with a history")
	}
	return err
}

// notGate returns ErrForeign with a description of the znode.
func notGate(what string, args ...any) error {
	return core.Foreign(what, args...)
}

// notEmpty is an ErrForeign that also matches session.ErrNotEmpty.
type notEmpty struct{ error }

func (e *notEmpty) Unwrap() []error { return []error{e.error, core.ErrNotEmpty} }

// isAddress reports whether data is an IP address. Curator writes it into a
// znode that is created without data.
func isAddress(data []byte) bool {
	_, err := netip.ParseAddr(string(data))
	return err == nil
}

// isRound reports whether the data of "ready" may belong to a rendezvous:
// Docent writes the round, Curator an IP address or no data, kazoo no data.
func isRound(data []byte) bool {
	var d readyData
	return len(data) == 0 || isAddress(data) || json.Unmarshal(data, &d) == nil && len(d.Members) > 0
}
