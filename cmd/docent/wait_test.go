//go:build unix

package main

import (
	"fmt"
	"strings"
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

// countCreates counts the znodes that are created below a path from now on. The
// function that it returns waits until there were so many. Some may be gone by
// then: a busy machine may end a brief session early.
func countCreates(t *testing.T, server *zktest.Server, below string) (await func(want int)) {
	t.Helper()
	created := make(chan struct{}, 100)
	t.Cleanup(server.OnChange(func(c zktest.Change) {
		if c.Kind == zktest.Created && strings.HasPrefix(c.Path, below+"/") {
			created <- struct{}{}
		}
	}))
	return func(want int) {
		t.Helper()
		late := time.After(patience)
		for n := range want {
			select {
			case <-created:
			case <-late:
				require.Failf(t, "too few znodes were created", "%d of %d", n, want)
			}
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
