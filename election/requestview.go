package election

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// requestName is the name of a transfer request's node, in the directory of the
// candidates. Curator's recipes sort a node without their tag by its whole
// name: this node sorts after all candidates, and no candidate waits for it.
const requestName = "transfer"

// requestData is the data of a transfer request's node. It names the next
// leader's node, not only its id. Node names contain a random guid and are
// never reused, so the request never names a later candidate.
type requestData struct {
	ID      string `json:"id"`                // for people
	Node    string `json:"node"`              // the name of the candidate's node
	Request string `json:"request,omitempty"` // unique for each Transfer
}

// requestView is what the candidates of an Election know of the transfer
// request. They share one watch: a session reads the request once, and again
// after a change. An election without transfers costs one read per session.
type requestView struct {
	dir  string
	tag  string              // of the candidates' nodes
	turn *semaphore.Weighted // one goroutine at a time reads the request

	mu   sync.Mutex
	last *seenRequest // written by the goroutine that has the turn
}

// seenRequest is the request as a session has read it.
type seenRequest struct {
	session *core.Session
	watch   *core.Watch // fires when the request may have changed
	node    string      // the next leader's node; "" without a request
}

func newRequestView(dir, tag string) *requestView {
	return &requestView{dir: dir, tag: tag, turn: semaphore.NewWeighted(1)}
}

func (v *requestView) path() string { return znode.Join(v.dir, requestName) }

// look returns the last read if its watch has not fired, else it reads again.
func (v *requestView) look(ctx context.Context, s *core.Session) (*seenRequest, error) {
	if v.turn.Acquire(ctx, 1) != nil {
		return nil, ctxend.Err(ctx)
	}
	defer v.turn.Release(1)
	if v.last != nil && v.last.session == s {
		select {
		case <-v.last.watch.Done():
		default:
			return v.last, nil
		}
	}
	_, found, watch, err := s.ExistsW(ctx, v.path())
	if err != nil {
		return nil, err
	}
	seen := &seenRequest{session: s, watch: watch}
	if !found {
		// Candidates ignore a request that they may not read.
		watch.NoLook()
	} else {
		data, _, err := s.Get(ctx, v.path())
		if err != nil && !errors.Is(err, core.ErrNoNode) && !errors.Is(err, core.ErrNoAuth) {
			watch.Stop()
			return nil, err
		}
		seen.node = v.parse(data)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.last = seen
	return seen, nil
}

// forget removes the watch. It is the cleanup of the Election.
func (v *requestView) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.last != nil {
		v.last.watch.StopLater()
	}
}

// parse returns the node that a request names, or "" if data is not a request.
func (v *requestView) parse(data []byte) string {
	var d requestData
	if json.Unmarshal(data, &d) != nil || strings.Contains(d.Node, "/") {
		return ""
	}
	if _, ok := znode.ParseSeq(d.Node, v.tag); !ok {
		return ""
	}
	return d.Node
}

// prepare reads the request before a candidate needs it. It ignores an error:
// the candidate's own read returns it.
func (v *requestView) prepare(ctx context.Context, sm *core.Manager) {
	if s, err := sm.Session(ctx); err == nil {
		_, _ = v.look(ctx, s)
	}
}

// another returns the existing node that the request names, if that is not the
// node of h; else "".
func (v *requestView) another(ctx context.Context, h *core.Hold) (string, error) {
	seen, err := v.look(ctx, h.Session())
	if err != nil {
		return "", err
	}
	return v.names(ctx, seen, h)
}

func (v *requestView) names(ctx context.Context, seen *seenRequest, h *core.Hold) (string, error) {
	path := znode.Join(v.dir, seen.node)
	if seen.node == "" || path == h.Path() {
		return "", nil
	}
	_, exists, err := seen.session.Exists(ctx, path)
	if err != nil || !exists {
		return "", err
	}
	return seen.node, nil
}
