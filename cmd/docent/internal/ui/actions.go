package ui

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/session"
)

// request is the body of an action.
type request struct {
	Path string `json:"path"`
	// ID is the id of the next leader, the name of an instance's node, the id of
	// a dead letter, or Path once more if the path is all.
	ID string `json:"id"`
	// Draining is the new state of an instance.
	Draining bool `json:"draining"`
	// Layout is the instance's layout, "curator" or "spring", or the queue's: see
	// queueLayouts.
	Layout string `json:"layout"`
	// Confirm repeats ID, as the viewer has confirmed it.
	Confirm string `json:"confirm"`
}

// Limits of an action.
const (
	maxRequest = 64 << 10
	patience   = 30 * time.Second
)

// action wraps a handler that changes something. The viewer must have the right
// to act, and must have confirmed the action. Each attempt is logged with its
// viewer and its outcome.
func (s *Server) action(name string, do func(context.Context, request) error) func(http.ResponseWriter, *http.Request, viewer) {
	return func(w http.ResponseWriter, r *http.Request, v viewer) {
		log := s.cfg.Log.With("what", name, "address", v.address, "session", v.session, "role", string(v.role))
		if v.role != acts {
			sentence := "Actions are off: start docent ui with --allow-actions."
			switch {
			case s.cfg.ActGiven:
				sentence = "This token allows only looking: add ?token=TOKEN with the token to act to the address that docent ui printed."
			case s.cfg.Act != "":
				sentence = "This token allows only looking: open the address to act that docent ui printed."
			}
			log.Warn("action", "outcome", "rejected", "err", "the token does not allow actions")
			fail(w, r, http.StatusForbidden, sentence)
			return
		}
		what, code, sentence := s.decode(w, r)
		if sentence != "" {
			log.Warn("action", "outcome", "rejected", "err", sentence)
			fail(w, r, code, sentence)
			return
		}
		// From here on the action's own limit counts, not the request's.
		line := http.NewResponseController(w)
		if err := errors.Join(line.SetReadDeadline(time.Time{}), line.SetWriteDeadline(time.Now().Add(patience+s.cfg.limits.write))); err != nil {
			fail(w, r, http.StatusInternalServerError, "This connection has no limits: use another proxy, or none.")
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		log = log.With("path", what.Path, "id", what.ID, "draining", what.Draining)
		if err := do(ctx, what); err != nil {
			log.Warn("action", "outcome", "failed", "err", err)
			fail(w, r, http.StatusConflict, err.Error()+advice(err))
			return
		}
		log.Info("action", "outcome", "done")
		w.WriteHeader(http.StatusNoContent)
	}
}

// advice ends the sentence about an action that failed.
func advice(err error) string {
	switch {
	case errors.Is(err, session.ErrNoNode):
		return "; nothing was changed: look at the page for what exists now."
	case errors.Is(err, session.ErrNoAuth):
		return "; give docent ui credentials with that right."
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, session.ErrUnknownOutcome):
		return "; look at the page for what was done, and try again."
	}
	return "."
}

// decode reads the body of an action. If it is not an action, decode returns
// the code of the answer and a sentence for the viewer.
func (s *Server) decode(w http.ResponseWriter, r *http.Request) (what request, code int, sentence string) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return what, http.StatusUnsupportedMediaType, "An action is JSON: send it with Content-Type: application/json."
	}
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
	err := body.Decode(&what)
	if err == nil {
		if _, err = body.Token(); err == io.EOF {
			err = nil
		} else if err == nil {
			err = errors.New("a second value")
		}
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return what, http.StatusRequestEntityTooLarge, "The action is too large: send at most 64 KiB."
	case err != nil:
		return what, http.StatusBadRequest, "The action is not one JSON object: send path, id and confirm, draining and layout for an instance, layout for a queue."
	case what.ID == "" || what.Confirm != what.ID:
		return what, http.StatusBadRequest, "The action was not confirmed: repeat its id as confirm."
	case !below(what.Path, s.cfg.Path):
		return what, http.StatusForbidden, "The path is outside of the tree that docent ui shows: start docent ui with a higher PATH."
	}
	// Below the tree by its text is below it only without "..".
	if err := znode.Validate(what.Path); err != nil {
		return what, http.StatusBadRequest, "The action has an " + err.Error() + "; send a path that the page shows."
	}
	return what, 0, ""
}

// below reports whether a path is top, or in the tree of top.
func below(path, top string) bool {
	return path == top || strings.HasPrefix(path, strings.TrimSuffix(top, "/")+"/")
}
