package election

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/znode"
)

// wishName is the node of a transfer, among those of the candidates. In the
// order of Curator's recipes, which sort a node without their tag by its whole
// name, it stands behind all candidates, where nobody looks.
const wishName = "transfer"

// wish is who shall lead, as the node of a transfer says. It means one node,
// not one id: names of candidates contain a random guid and never return, so
// that no later candidate is meant.
type wish struct {
	ID      string `json:"id"`                // for people
	Node    string `json:"node"`              // the name of the candidate's node
	Request string `json:"request,omitempty"` // tells one Transfer from all others
}

// wishes is what the candidates of an Election know of the wish. They share one
// watch: a session asks once, and again after a change. An election without
// transfers pays one request for each session.
type wishes struct {
	dir    string
	layout layout
	turn   chan struct{} // holds a token while somebody looks

	mu   sync.Mutex
	last *look // written by who has the turn
}

// look is what was seen last.
type look struct {
	session *core.Session
	watch   *core.Watch // fires when it may have changed
	node    string      // who shall lead; "" when nobody is named
}

func newWishes(dir string, l layout) *wishes {
	return &wishes{dir: dir, layout: l, turn: make(chan struct{}, 1)}
}

func (w *wishes) path() string { return znode.Join(w.dir, wishName) }

// look returns what the session's server says, or has said if that still holds.
func (w *wishes) look(ctx context.Context, s *core.Session) (*look, error) {
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if w.last != nil && w.last.session == s {
		select {
		case <-w.last.watch.Done():
		default:
			return w.last, nil
		}
	}
	_, found, watch, err := s.ExistsW(ctx, w.path())
	if err != nil {
		return nil, err
	}
	l := &look{session: s, watch: watch}
	if !found {
		// A transfer that the candidates may not read asks nothing of them.
		watch.NoLook()
	} else {
		data, _, err := s.Get(ctx, w.path())
		if err != nil && !errors.Is(err, core.ErrNoNode) && !errors.Is(err, core.ErrNoAuth) {
			watch.Stop()
			return nil, err
		}
		l.node = w.parse(data)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = l
	return l, nil
}

// forget gives the watch up: it is the cleanup of the election.
func (w *wishes) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last != nil {
		w.last.watch.StopLater()
	}
}

// parse returns the candidate that a wish names. What is no wish names nobody.
func (w *wishes) parse(data []byte) string {
	var said wish
	if json.Unmarshal(data, &said) != nil || strings.Contains(said.Node, "/") {
		return ""
	}
	if _, ok := znode.ParseSeq(said.Node, string(w.layout)); !ok {
		return ""
	}
	return said.Node
}

// prepare looks, for those who will want to know later. What it fails with they
// will meet themselves.
func (w *wishes) prepare(ctx context.Context, sm *core.Manager) {
	if s, err := sm.Session(ctx); err == nil {
		_, _ = w.look(ctx, s)
	}
}

// another returns the node of who shall lead instead of h, and stands; "" when
// there is nobody like that.
func (w *wishes) another(ctx context.Context, h *core.Hold) (string, error) {
	l, err := w.look(ctx, h.Session())
	if err != nil {
		return "", err
	}
	return w.names(ctx, l, h)
}

func (w *wishes) names(ctx context.Context, l *look, h *core.Hold) (string, error) {
	path := znode.Join(w.dir, l.node)
	if l.node == "" || path == h.Path() {
		return "", nil
	}
	_, stands, err := l.session.Exists(ctx, path)
	if err != nil || !stands {
		return "", err
	}
	return l.node, nil
}
