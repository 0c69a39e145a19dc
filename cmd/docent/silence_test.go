//go:build unix

package main

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// Every command that watches says that it is cut off, and that it is back.
func TestFault31_WatchesTellOfSilence(t *testing.T) {
	t.Parallel()
	server := zktest.New(t)
	require.NoError(t, server.Put("/k", []byte("1")))
	var all []*invocation
	for _, line := range []string{"config watch /k", "group watch /g", "leader --watch /e", "service watch s"} {
		watch := start(t, words(line), on(server))
		watch.line()
		all = append(all, watch)
	}
	told := func(what string) {
		t.Helper()
		for _, watch := range all[:3] {
			require.Eventually(t, func() bool { return strings.Contains(watch.stderr.String(), what) }, patience, time.Millisecond, what)
		}
	}
	server.Freeze()
	told("no server answers since ")
	require.Contains(t, all[3].line(), "stale: ")
	server.Thaw()
	told("there is a connection again")
	for _, watch := range all {
		watch.kill(syscall.SIGTERM)
		code, _ := watch.wait()
		require.Zero(t, code)
	}
}
