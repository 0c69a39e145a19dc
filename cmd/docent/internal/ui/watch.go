package ui

import (
	"maps"
	"slices"
	"time"

	"github.com/docent-go/docent/inspect"
)

// How far back the watch looks.
const (
	// stuckFor is how long a cycle must last to count as a deadlock.
	stuckFor = 2 * time.Second
	// samples earlier reports are kept, sampleEvery apart: queues are compared
	// with the oldest of them.
	samples, sampleEvery = 3, time.Minute
	// lostFor is how long a service without instances is remembered after its
	// znode has gone, and maxServices how many services are.
	lostFor, maxServices = time.Hour, 10_000
)

// watch finds the problems in the reports of one inspection: it keeps what a
// single report does not tell. It is used by one goroutine.
type watch struct {
	thresholds inspect.ProblemOptions
	latest     *inspect.Report
	recent     []*inspect.Report // two at most: the first is older than stuckFor
	sampled    []*inspect.Report // the oldest first
	services   map[string]known
	seen       map[string]time.Time // when a problem was found first, by its key
	began      bool
}

// known is a service that has had instances.
type known struct {
	*inspect.Service
	at time.Time // when it had them last
}

// problemJSON is a problem with the time at which the page's server found it.
type problemJSON struct {
	inspect.Problem
	// Seen is when the problem was found. It is zero if the problem existed when
	// the tree was first read.
	Seen time.Time `json:"seen,omitzero"`
}

func newWatch(thresholds inspect.ProblemOptions) *watch {
	return &watch{thresholds: thresholds, services: make(map[string]known), seen: make(map[string]time.Time)}
}

// see takes a report, and returns its problems.
func (w *watch) see(r *inspect.Report) []problemJSON {
	w.latest = r
	return w.problems(r.Taken)
}

// keep remembers the report for later ones.
func (w *watch) keep(at time.Time) {
	r := w.latest
	if n := len(w.sampled); n == 0 || r.Taken.Sub(w.sampled[n-1].Taken) >= sampleEvery {
		w.sampled = append(w.sampled, r)
		w.sampled = w.sampled[max(0, len(w.sampled)-samples):]
	}
	if n := len(w.recent); n == 0 || r != w.recent[n-1] && r.Taken.Sub(w.recent[n-1].Taken) >= stuckFor {
		w.recent = append(w.recent, r)
		w.recent = w.recent[max(0, len(w.recent)-2):]
	}
	for _, f := range r.Findings {
		if s, ok := f.(*inspect.Service); ok && len(s.Instances) > 0 && (len(w.services) < maxServices || w.services[s.Path].Service != nil) {
			w.services[s.Path] = known{s, at}
		}
	}
	maps.DeleteFunc(w.services, func(_ string, s known) bool { return at.Sub(s.at) > lostFor })
}

// problems returns the problems of the newest report, which is known to be true
// at a time: ages go on while nothing changes.
func (w *watch) problems(at time.Time) []problemJSON {
	if w.latest == nil {
		return nil
	}
	o := w.thresholds
	o.At, o.Earlier, o.Deadlocks = at, w.earlier(), w.deadlocks(at)
	all := []problemJSON{}
	found := make(map[string]time.Time)
	for _, p := range inspect.Problems(w.latest, o) {
		if s, ok := w.services[p.Path]; ok && p.Kind == inspect.ProblemNoInstance && !p.Since.IsZero() {
			p.Since = s.at // the earlier report may be younger, or much older
		}
		key := string(p.Kind) + " " + p.Path
		switch p.Kind { // a recipe can have several of them
		case inspect.ProblemAbandoned, inspect.ProblemDeadlock:
			key += " " + p.Text
		}
		first, known := w.seen[key]
		if !known && w.began {
			first = at
		}
		found[key] = first
		all = append(all, problemJSON{p, first})
	}
	w.seen, w.began = found, true
	w.keep(at)
	return all
}

// earlier returns the report to compare the newest one with, with the services
// that are remembered, or nil.
func (w *watch) earlier() *inspect.Report {
	r := &inspect.Report{Taken: w.latest.Taken}
	if len(w.sampled) > 0 {
		r.Taken, r.Findings = w.sampled[0].Taken, slices.Clone(w.sampled[0].Findings)
	}
	there := make(map[string]bool)
	for _, f := range r.Findings {
		there[f.Head().Path] = true
	}
	for path, s := range w.services {
		if !there[path] {
			r.Findings = append(r.Findings, s.Service)
		}
	}
	return r
}

// deadlocks returns the cycles that have lasted.
func (w *watch) deadlocks(at time.Time) []inspect.Deadlock {
	switch {
	case at.Sub(w.latest.Taken) >= stuckFor: // nothing has changed since
		return inspect.DeadlocksBetween(w.latest, w.latest).Deadlocks
	case len(w.recent) == 0:
		return nil
	}
	before := w.recent[0]
	if last := w.recent[len(w.recent)-1]; w.latest.Taken.Sub(last.Taken) >= stuckFor {
		before = last
	}
	if w.latest.Taken.Sub(before.Taken) < stuckFor {
		return nil
	}
	return inspect.DeadlocksBetween(before, w.latest).Deadlocks
}
