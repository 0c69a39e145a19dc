//go:build unix

package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

const ms = time.Millisecond

// awaitEphemerals waits until there are so many ephemeral nodes.
func awaitEphemerals(t *testing.T, server *zktest.Server, want int) {
	t.Helper()
	changed := make(chan struct{}, 1)
	defer server.OnChange(func(zktest.Change) {
		select {
		case changed <- struct{}{}:
		default:
		}
	})()
	deadline := time.After(patience)
	for {
		n := 0
		for _, session := range server.Sessions() {
			n += len(session.Ephemerals)
		}
		if n == want {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			require.Failf(t, "too few ephemeral nodes", "%d of %d", n, want)
		}
	}
}

// tokenOf reads the token from a line "ready TOKEN".
func tokenOf(t *testing.T, line string) (token int64) {
	t.Helper()
	_, err := fmt.Sscanf(line, "ready %d", &token)
	require.NoError(t, err)
	return token
}
