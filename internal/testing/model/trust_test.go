//go:build !race

package model

import "testing"

// remembered is how many answered requests the client remembers. DOCENT_MODEL=full
// tries three.
func remembered() int {
	if full() {
		return 3
	}
	return 1
}

// TestTrust visits every state of the trust protocol.
func TestTrust(t *testing.T) {
	holds(t, Trust(TrustRules{}, TrustBounds{Exchanges: remembered(), Elections: 1}))
}

// TestTrustBroken shows that the exploration finds what each rule prevents.
func TestTrustBroken(t *testing.T) {
	for name, rules := range map[string]TrustRules{
		"the answer to a ping or a sync is a proof":              {PingsProve: true},
		"a re-attachment is a proof":                             {HelloProves: true},
		"the deadline counts from the answer":                    {FromAnswer: true},
		"a write counts, whatever the leader has heard":          {IgnoreReport: true},
		"an answered request is reported at once":                {NoHalfTick: true},
		"an answered request is reported in exactly half a tick": {ExactHalfTick: true},
	} {
		t.Run(name, func(t *testing.T) {
			breaks(t, Trust(rules, TrustBounds{Exchanges: 1, Elections: 1}))
		})
	}
}
