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

// wishName is the name of a transfer request's node, in the directory of the
// candidates. Curator's recipes sort a node without their tag by its whole
// name: this node sorts after all candidates, and no candidate waits for it.
const wishName = "transfer"

// wish is the data of a transfer request's node. It names the next leader's
// node, not only its id. Node names contain a random guid and are never reused,
// so the request never names a later candidate.
type wish struct {
	ID      string `json:"id"`                // for people
	Node    string `json:"node"`              // the name of the candidate's node
	Request string `json:"request,omitempty"` // unique for each Transfer
}

// wishes is the view that the candidates of an Election have of the transfer
// request. They share one watch: a session reads the request once, and again
// after a change. An election without transfers pays one request per session.
type wishes struct {
	dir    string
	layout layout
	turn   chan struct{} // holds a token while a goroutine reads the request

	mu   sync.Mutex
	last *look // written by the goroutine that has the turn
}

// look is the result of a read of the request.
type look struct {
	session *core.Session
	watch   *core.Watch // fires when the request may have changed
	node    string      // the next leader's node; "" without a request
}

func newWishes(dir string, l layout) *wishes {
	return &wishes{dir: dir, layout: l, turn: make(chan struct{}, 1)}
}

func (w *wishes) path() string { return znode.Join(w.dir, wishName) }

// look returns the last read if its watch has not fired, else it reads again.
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
		// Candidates ignore a request that they may not read.
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

// forget removes the watch. It is the cleanup of the Election.
func (w *wishes) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last != nil {
		w.last.watch.StopLater()
	}
}

// parse returns the node that a request names, or "" if data is not a request.
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

// prepare reads the request before a candidate needs it. It ignores an error:
// the candidate's own read returns it.
func (w *wishes) prepare(ctx context.Context, sm *core.Manager) {
	if s, err := sm.Session(ctx); err == nil {
		_, _ = w.look(ctx, s)
	}
}

// another returns the existing node that the request names, if that is not the
// node of h; else "".
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
