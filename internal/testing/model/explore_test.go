package model

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// One goroutine explores, so the race detector would prove nothing. It would
// take ten times as long: the tests of the protocols run without it.

// maxStates is more than what the bounds of these tests need.
const maxStates = 30_000_000

// holds explores a protocol to its end.
func holds[S comparable](t *testing.T, sys System[S]) {
	t.Helper()
	r, err := sys.Explore(maxStates)
	require.NoError(t, err)
	require.Empty(t, r.Violation, "%q", r.Trace)
	for goal := range sys.Goals {
		require.True(t, r.Reached[goal], "no interleaving leads to %s", goal)
	}
	t.Logf("%d states, %d steps between them, at most %d steps to a state", r.States, r.Steps, r.Depth)
}

// breaks explores a protocol with a broken client, and shows the steps to the
// violation.
func breaks[S comparable](t *testing.T, sys System[S]) {
	t.Helper()
	r, err := sys.Explore(maxStates)
	require.NoError(t, err)
	require.NotEmpty(t, r.Violation)
	for _, step := range r.Trace {
		t.Log(step)
	}
	t.Log("then " + r.Violation)
}

// full says that the bounds are larger: some 17 million states, and 3 GB of memory.
func full() bool { return os.Getenv("DOCENT_MODEL") == "full" }

// TestExplore explores a counter with two digits, which either may turn.
func TestExplore(t *testing.T) {
	counter := System[[2]int]{
		Next: func(s [2]int, step func(string, [2]int)) {
			step("left", [2]int{(s[0] + 1) % 3, s[1]})
			step("right", [2]int{s[0], (s[1] + 1) % 3})
		},
		Violation: func([2]int) string { return "" },
		Goals:     map[string]func([2]int) bool{"both": func(s [2]int) bool { return s == [2]int{2, 2} }},
	}
	r, err := counter.Explore(9)
	require.NoError(t, err)
	require.Equal(t, Result{States: 9, Steps: 18, Depth: 4, Reached: map[string]bool{"both": true}}, r)
	_, err = counter.Explore(8)
	require.EqualError(t, err, "explore: more than 8 states; choose smaller bounds")

	counter.Violation = func(s [2]int) string {
		if s == [2]int{2, 1} {
			return "21"
		}
		return ""
	}
	r, err = counter.Explore(9)
	require.NoError(t, err)
	require.Equal(t, "21", r.Violation)
	require.Equal(t, []string{"left", "left", "right"}, r.Trace)
}
