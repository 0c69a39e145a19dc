package simulation

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"io"
	"regexp"
	"slices"
	"sync"
	"time"
)

// Trace is the list of events in a run, for comparison with another run.
type Trace struct {
	mu    sync.Mutex
	lines []line
}

type line struct {
	at   time.Duration
	text string
}

func newTrace() *Trace { return &Trace{} }

func (t *Trace) add(at time.Duration, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, line{at, text})
}

// Lines returns the trace. Events at one instant have no order.
func (t *Trace) Lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.SortStableFunc(t.lines, func(a, b line) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.text, b.text))
	})
	lines := make([]string, len(t.lines))
	for i, l := range t.lines {
		lines[i] = fmt.Sprintf("%-16v %s", l.at, l.text)
	}
	return lines
}

// Hash returns a number for the whole trace.
func (t *Trace) Hash() uint64 {
	h := fnv.New64a()
	for _, l := range t.Lines() {
		_, _ = io.WriteString(h, l+"\n") // a hash never fails
	}
	return h.Sum64()
}

var unique = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}`)

// plain returns a path with its random parts replaced.
func plain(path string) string { return unique.ReplaceAllString(path, "*") }
