package ui

import (
	"slices"
	"sync"
	"time"

	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/session"
)

// What a timeline keeps.
const (
	timelineAge   = 15 * time.Minute
	timelineMin   = 20 * time.Second // is drawn at least
	timelineSpans = 4000
)

// timeline remembers who held and who led in the last minutes, while the tree
// was read. A hold that comes and goes between two reports is not seen.
type timeline struct {
	mu      sync.Mutex
	watched []interval         // when the reports are known to be true
	open    map[holding]*spell // the holds of the newest report
	closed  []*spell           // in the order of their ends
	fresh   bool               // the newest report continues the newest interval
}

// interval is a time, by this machine's clock.
type interval struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// holding identifies a hold.
type holding struct {
	path, node string
	token      int64
}

// spell is a hold as long as it was seen.
type spell struct {
	Path    string       `json:"path"`
	Kind    inspect.Kind `json:"kind"`
	ID      string       `json:"id,omitempty"`
	Hidden  bool         `json:"hidden,omitempty"`
	Session session.ID   `json:"session,omitempty"`
	Token   int64        `json:"token,omitempty"`
	// Before says that the hold existed when the tree was first read.
	Before bool `json:"before,omitempty"`
	// Holds says that the hold exists in the newest report.
	Holds bool `json:"holds,omitempty"`
	interval
}

func newTimeline() *timeline { return &timeline{open: make(map[holding]*spell)} }

// see takes a report.
func (t *timeline) see(r *inspect.Report) {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := !t.fresh
	if first {
		t.watched = append(t.watched, interval{r.Taken, r.Taken})
		t.fresh = true
	}
	last := &t.watched[len(t.watched)-1]
	seen := make(map[holding]bool)
	for _, f := range r.Findings {
		for _, o := range holders(f) {
			at := holding{f.Head().Path, o.Path, o.Token}
			seen[at] = true
			s := t.open[at]
			if s == nil {
				s = &spell{Path: f.Head().Path, Kind: f.Head().Kind, ID: o.ID, Hidden: o.Hidden, Session: o.Session, Token: o.Token,
					Before: first, Holds: true, interval: interval{From: r.Taken}}
				t.open[at] = s
			}
			s.To = r.Taken
		}
	}
	for at, s := range t.open {
		if !seen[at] {
			if !first {
				s.To = r.Taken // it was gone by then
			}
			s.Holds = false
			t.closed = append(t.closed, s)
			delete(t.open, at)
		}
	}
	last.To = r.Taken
	t.forget(r.Taken.Add(-timelineAge))
}

// confirm takes the time at which the newest report was still true.
func (t *timeline) confirm(at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.fresh || at.Before(t.watched[len(t.watched)-1].To) {
		return
	}
	t.watched[len(t.watched)-1].To = at
	for _, s := range t.open {
		s.To = at
	}
}

// interrupt says that the newest report is not known to be true any longer.
func (t *timeline) interrupt() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fresh = false
}

// forget removes what ended before a time, and the oldest spells beyond the
// limit. The caller has mu.
func (t *timeline) forget(before time.Time) {
	t.watched = slices.DeleteFunc(t.watched, func(i interval) bool { return i.To.Before(before) })
	slices.SortStableFunc(t.closed, func(a, b *spell) int { return a.To.Compare(b.To) })
	n := max(0, len(t.closed)-timelineSpans)
	for n < len(t.closed) && t.closed[n].To.Before(before) {
		n++
	}
	clear(t.closed[:n])
	t.closed = t.closed[n:]
}

// timelineJSON is what the page draws.
type timelineJSON struct {
	interval
	Watched []interval `json:"watched"`
	Spells  []spell    `json:"spells"`
	// Left is the number of paths that are left out.
	Left int `json:"left,omitempty"`
}

// maxLanes is the number of paths in a timeline without a path.
const maxLanes = 25

// of returns the spells of one path. Without a path it returns the spells of the
// paths that changed hands last.
func (t *timeline) of(path string) timelineJSON {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := timelineJSON{Watched: slices.Clone(t.watched), Spells: []spell{}}
	if len(t.watched) == 0 {
		return out
	}
	out.To = t.watched[len(t.watched)-1].To
	out.From = out.To.Add(-timelineAge)
	if begun := t.watched[0].From; begun.After(out.From) {
		out.From = begun
	}
	if short := out.To.Add(-timelineMin); out.From.After(short) {
		out.From = short
	}
	lanes := make(map[string]bool)
	if path != "" {
		lanes[path] = true
	} else {
		for _, s := range slices.Backward(t.closed) {
			if len(lanes) >= maxLanes && !lanes[s.Path] {
				out.Left++
			} else {
				lanes[s.Path] = true
			}
		}
	}
	for _, s := range t.closed {
		if lanes[s.Path] {
			out.Spells = append(out.Spells, *s)
		}
	}
	for _, s := range t.open {
		if lanes[s.Path] {
			out.Spells = append(out.Spells, *s)
		}
	}
	slices.SortStableFunc(out.Spells, func(a, b spell) int { return a.From.Compare(b.From) })
	return out
}

// holders returns the owners of a finding that hold it, or lead.
func holders(f inspect.Finding) []inspect.Owner {
	one := func(o *inspect.Owner) []inspect.Owner {
		if o == nil {
			return nil
		}
		return []inspect.Owner{*o}
	}
	switch f := f.(type) {
	case *inspect.Lock:
		return one(f.Holder)
	case *inspect.RWLock:
		return f.Holders
	case *inspect.Semaphore:
		return f.Holders
	case *inspect.OneNode:
		return one(&f.Holder)
	case *inspect.Election:
		return one(f.Leader)
	case *inspect.Job:
		if f.State == inspect.JobRunning {
			return one(f.By)
		}
	}
	return nil
}
