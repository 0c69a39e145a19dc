package model

import "fmt"

// System is a protocol and its environment, as states and steps. A state has
// everything that decides which steps can follow.
type System[S comparable] struct {
	Initial S
	// Next calls step for each step that the state allows.
	Next func(from S, step func(name string, to S))
	// Violation returns what is wrong with a state, or "".
	Violation func(S) string
	// Goals are states that some interleaving must reach. Without them, a model in
	// which nothing happens would have no violation either.
	Goals map[string]func(S) bool
}

// Result is what an exploration has found.
type Result struct {
	States int // the number of different states
	Steps  int // the number of steps between them
	Depth  int // the greatest number of steps that a state needs
	// Violation is the first violation that was found, or "". Trace has the steps
	// to it. No shorter sequence of steps leads to a violation.
	Violation string
	Trace     []string
	// Reached says which of the Goals were reached.
	Reached map[string]bool
}

// visit is how a state was reached first.
type visit struct {
	from  int32
	depth int32
	step  string
}

// Explore visits the states in the order of their distance from Initial, until
// it finds a violation or has visited all. It fails if there are more than limit
// states.
func (sys System[S]) Explore(limit int) (Result, error) {
	r := Result{Reached: make(map[string]bool)}
	seen := map[S]int32{sys.Initial: 0}
	states, visits := []S{sys.Initial}, []visit{{from: -1}}
	for at := 0; at < len(states); at++ {
		s := states[at]
		r.States, r.Depth = at+1, int(visits[at].depth)
		for name, goal := range sys.Goals {
			if !r.Reached[name] && goal(s) {
				r.Reached[name] = true
			}
		}
		if r.Violation = sys.Violation(s); r.Violation != "" {
			r.Trace = trace(visits, at)
			return r, nil
		}
		sys.Next(s, func(name string, to S) {
			r.Steps++
			if _, known := seen[to]; known {
				return
			}
			seen[to] = int32(len(states))
			states = append(states, to)
			visits = append(visits, visit{int32(at), visits[at].depth + 1, name})
		})
		if len(states) > limit {
			return r, fmt.Errorf("explore: more than %d states; choose smaller bounds", limit)
		}
	}
	return r, nil
}

// trace returns the steps to the visited state.
func trace(visits []visit, at int) []string {
	steps := make([]string, visits[at].depth)
	for i := len(steps) - 1; i >= 0; i-- {
		steps[i] = visits[at].step
		at = int(visits[at].from)
	}
	return steps
}
