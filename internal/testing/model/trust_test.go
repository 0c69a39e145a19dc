package model

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTrust(t *testing.T) {
	r, err := Trust(TrustRules{}, TrustBounds{Exchanges: 3, Elections: 1, Pipeline: 1}).Explore(40_000_000)
	t.Logf("%d states, %d steps, depth %d, %v", r.States, r.Steps, r.Depth, r.Reached)
	require.NoError(t, err)
	require.Empty(t, r.Violation, strings.Join(r.Trace, "\n"))
}
func TestTrustBroken(t *testing.T) {
	for name, rules := range map[string]TrustRules{
		"pings": {PingsProve: true}, "hello": {HelloProves: true}, "answer": {FromAnswer: true}, "ignore": {IgnoreReport: true}, "half": {NoHalfTick: true},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Trust(rules, TrustBounds{Exchanges: 3, Elections: 1, Pipeline: 1}).Explore(40_000_000)
			t.Logf("%d states, %d steps, depth %d, %v\n%s", r.States, r.Steps, r.Depth, r.Reached, strings.Join(r.Trace, "\n"))
			require.NoError(t, err)
			require.NotEmpty(t, r.Violation)
		})
	}
}
