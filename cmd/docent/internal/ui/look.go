package ui

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
)

// What a viewer gets of values.
const (
	maxShown   = 16 << 10 // bytes of a value
	maxPayload = 2 << 10  // bytes of an item or a letter
	maxBinary  = 64       // bytes of data that are not text
	maxLetters = 50
	maxItems   = 20
	// lookWithin bounds the reads for one answer.
	lookWithin = 10 * time.Second
)

// valueJSON is data as the page shows it.
type valueJSON struct {
	Text     string `json:"text,omitempty"`
	Hex      string `json:"hex,omitempty"` // of data that is not text
	Bytes    int    `json:"bytes"`
	Cut      bool   `json:"cut,omitempty"`      // the end is left out
	Redacted bool   `json:"redacted,omitempty"` // something in it is
}

// show returns data as the page shows it. Data that is not text is redacted by
// its path alone. The end is cut after the redaction, which may need it.
func (s *Server) show(path string, data []byte, limit int) valueJSON {
	v := valueJSON{Bytes: len(data)}
	r := redactor{s.cfg.Redact}
	if !utf8.Valid(data) {
		if r.names.MatchString(path) {
			v.Text, v.Redacted = redacted, true
			return v
		}
		v.Hex, v.Cut = hex.EncodeToString(data[:min(len(data), maxBinary)]), len(data) > maxBinary
		return v
	}
	v.Text, v.Redacted = r.value(path, string(data))
	if len(v.Text) > limit {
		v.Cut = true
		at := limit
		for !utf8.RuneStart(v.Text[at]) {
			at--
		}
		v.Text = v.Text[:at]
	}
	return v
}

// asked returns the path that a request names, or answers the request.
func (s *Server) asked(w http.ResponseWriter, r *http.Request) (path string, ok bool) {
	path = r.URL.Query().Get("path")
	if !below(path, s.cfg.Path) {
		fail(w, r, http.StatusForbidden, "The path is outside of the tree that docent ui shows: start docent ui with a higher PATH.")
		return "", false
	}
	if err := znode.ValidateRoot(path); err != nil {
		fail(w, r, http.StatusBadRequest, "The request has an "+err.Error()+"; send a path that the page shows.")
		return "", false
	}
	return path, true
}

// unread answers a request whose read has failed.
func unread(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, session.ErrNoNode):
		fail(w, r, http.StatusNotFound, "The znode does not exist now.")
	case errors.Is(err, session.ErrNoAuth):
		fail(w, r, http.StatusForbidden, "An ACL hides it from the credentials that docent ui was started with.")
	default:
		fail(w, r, http.StatusBadGateway, "It cannot be read now: "+err.Error()+".")
	}
}

// value sends the data of a znode.
func (s *Server) value(w http.ResponseWriter, r *http.Request, _ viewer) {
	path, ok := s.asked(w, r)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), lookWithin)
	defer cancel()
	data, stat, err := s.cfg.Manager.Get(ctx, path)
	if err != nil {
		unread(w, r, err)
		return
	}
	writeJSON(w, struct {
		valueJSON
		Version int32 `json:"version"`
	}{s.show(path, data, maxShown), stat.Version})
}

// queueJSON is the content of a queue.
type queueJSON struct {
	Letters     []letterJSON `json:"letters"`
	MoreLetters bool         `json:"moreLetters,omitempty"`
	Items       []itemJSON   `json:"items"`
	MoreItems   bool         `json:"moreItems,omitempty"`
}

type letterJSON struct {
	ID        string    `json:"id"`
	Reason    string    `json:"reason,omitempty"`
	Attempts  int       `json:"attempts,omitempty"`
	Died      time.Time `json:"died,omitzero"`
	Malformed bool      `json:"malformed,omitempty"`
	Hidden    bool      `json:"hidden,omitempty"`
	Value     valueJSON `json:"value"`
}

type itemJSON struct {
	ID       queue.ID  `json:"id"`
	Attempts int       `json:"attempts,omitempty"`
	Put      time.Time `json:"put,omitzero"`
	Due      time.Time `json:"due,omitzero"`
	Claimed  bool      `json:"claimed,omitempty"`
	Hidden   bool      `json:"hidden,omitempty"`
	Value    valueJSON `json:"value"`
}

// queue sends the first dead letters and the first items of a queue.
func (s *Server) queue(w http.ResponseWriter, r *http.Request, _ viewer) {
	path, ok := s.asked(w, r)
	if !ok {
		return
	}
	q, err := s.queueAt(path, r.URL.Query().Get("layout"))
	if err != nil {
		fail(w, r, http.StatusBadRequest, "The queue cannot be read: "+err.Error()+".")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), lookWithin)
	defer cancel()
	out := queueJSON{Letters: []letterJSON{}, Items: []itemJSON{}}
	for l, err := range q.Dead(ctx) {
		if err != nil {
			unread(w, r, err)
			return
		}
		if out.MoreLetters = len(out.Letters) == maxLetters; out.MoreLetters {
			break
		}
		reason, _ := redactor{s.cfg.Redact}.value("", l.Reason)
		out.Letters = append(out.Letters, letterJSON{l.ID, reason, l.Attempts, l.Died, l.Malformed, l.Hidden, s.show(path, l.Data, maxPayload)})
	}
	for i, err := range q.List(ctx) {
		if err != nil {
			unread(w, r, err)
			return
		}
		if out.MoreItems = len(out.Items) == maxItems; out.MoreItems {
			break
		}
		out.Items = append(out.Items, itemJSON{i.ID, i.Attempts, i.Put, i.Due, i.Claim != nil, i.Hidden, s.show(path, i.Data, maxPayload)})
	}
	writeJSON(w, out)
}

// history sends the timeline of a path, or of the paths that changed hands last.
func (s *Server) history(w http.ResponseWriter, r *http.Request, _ viewer) {
	path := ""
	if r.URL.Query().Has("path") {
		var ok bool
		if path, ok = s.asked(w, r); !ok {
			return
		}
	}
	writeJSON(w, s.feed.timeline.of(path))
}
