package testworld

import "github.com/stretchr/testify/require"

// Counts are numbers of requests by kind, as Count returns them.
type Counts = map[string]int

// Step is a step in the life of a recipe, with its cost.
type Step struct {
	Name string
	Want Counts // nil for a step that makes no request
	// May is the maximum number of further requests, if the order of two
	// goroutines decides whether they are made.
	May Counts
	Do  func()
}

// Costs runs the steps one after another. Each step must make exactly the
// requests that it names: see Count.
func (w *World) Costs(steps []Step) {
	w.Helper()
	for _, s := range steps {
		counts := w.Count(s.Do)
		for op, most := range s.May {
			if counts[op] -= max(0, min(most, counts[op]-s.Want[op])); counts[op] == 0 {
				delete(counts, op)
			}
		}
		if s.Want == nil {
			s.Want = Counts{}
		}
		require.Equal(w, s.Want, counts, s.Name)
	}
}
