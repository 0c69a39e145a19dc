package ui

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"path"
	"time"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/naming"
)

// request is the body of an action.
type request struct {
	Path string `json:"path"`
	// ID is the id of the next leader, or the name of an instance's node.
	ID string `json:"id"`
	// Draining is the new state of an instance.
	Draining bool `json:"draining"`
	// Layout is the instance's layout: "curator" or "spring".
	Layout string `json:"layout"`
	// Confirm repeats ID, as the viewer has confirmed it.
	Confirm string `json:"confirm"`
}

// Limits of an action.
const (
	maxRequest = 64 << 10
	patience   = 30 * time.Second
)

// action wraps a handler that changes something. The request must be allowed,
// come from the page, and be confirmed. It is logged, done or failed.
func (s *Server) action(do func(context.Context, request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.cfg.AllowActions {
			http.Error(w, "actions are not allowed: start docent ui with --allow-actions", http.StatusForbidden)
			return
		}
		if !fromThePage(r) {
			http.Error(w, "an action must come from the page", http.StatusForbidden)
			return
		}
		var what request
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&what); err != nil {
			http.Error(w, "the request is not a JSON object", http.StatusBadRequest)
			return
		}
		if what.ID == "" || what.Confirm != what.ID {
			http.Error(w, "the action was not confirmed", http.StatusBadRequest)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		err := do(ctx, what)
		s.cfg.Log.Info("action", "what", path.Base(r.URL.Path), "path", what.Path, "id", what.ID, "draining", what.Draining,
			"from", r.RemoteAddr, "err", err)
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

// transfer transfers a leadership.
func (s *Server) transfer(ctx context.Context, what request) error {
	return election.New(s.cfg.Manager, what.Path).Transfer(ctx, what.ID)
}

// drain sets or removes the draining mark of an instance.
func (s *Server) drain(ctx context.Context, what request) error {
	codecs := map[string]naming.Codec{"curator": naming.Curator(), "spring": naming.Spring()}
	codec, ok := codecs[what.Layout]
	if !ok {
		return errors.New("instances of this layout cannot be drained from here")
	}
	base, service := path.Split(what.Path)
	registry := naming.NewRegistry(s.cfg.Manager, naming.Base(path.Clean(base)), naming.Layout(codec))
	return registry.SetDraining(ctx, service, what.ID, what.Draining)
}
