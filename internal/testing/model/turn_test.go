//go:build !race

package model

import "testing"

// connections is how often the connection is lost. DOCENT_MODEL=full tries two
// losses.
func connections() int {
	if full() {
		return 2
	}
	return 1
}

// TestTurn visits every state of a contender with one, two and three contenders
// before it.
func TestTurn(t *testing.T) {
	for before := 1; before <= 3; before++ {
		holds(t, Turn(TurnRules{}, TurnBounds{Before: before, Connections: connections(), Writes: 1}))
	}
}

// TestTurnBroken shows that the exploration finds what each obligation prevents.
func TestTurnBroken(t *testing.T) {
	for name, rules := range map[string]TurnRules{
		"the end of the one before the predecessor is a proof": {TrustsTheOneBefore: true},
		"a list is not searched for our own node":              {NoOwnInList: true},
		"our own node is not watched":                          {NoOwnWatch: true},
		"the predecessor's end counts after a reconnection":    {AcrossConnections: true},
		"it counts while our own node's watch is used up":      {UsedWatch: true},
	} {
		t.Run(name, func(t *testing.T) {
			breaks(t, Turn(rules, TurnBounds{Before: 3, Connections: 1, Writes: 1}))
		})
	}
}
