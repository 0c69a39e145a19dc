//go:build unix

package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// A znode that no session will remove blocks a lock for ever. The command says
// so: at once with --try, at the end of --wait, and while it waits.
func TestFault46_LastingHolder(t *testing.T) {
	const says = "belongs to no session, and stays until a client deletes it"
	for _, c := range []struct{ node, args string }{
		{"/l/" + contender, "lock /l"},
		{"/l/" + strings.Replace(contender, "lock-", "__WRIT__", 1), "lock /l --mode write"},
		{"/l/" + strings.Replace(contender, "lock-", "__WRIT__", 1), "lock /l --mode read"},
		{"/l/leases/" + strings.Replace(contender, "lock-", "lease-", 1), "lock /l --permits 1"},
	} {
		testworld.Run(t, func(w *testworld.World) {
			w.Put(c.node, "")
			require.NoError(w, w.Srv.SetSequence(c.node[:strings.LastIndex(c.node, "/")], 1))
			code, stderr := runIn(w, w.Srv.Link(), c.args+" --try -- true")
			require.Equal(w, exitNotAcquired, code, stderr)
			require.Contains(w, stderr, c.node+" "+says, c.args)
			code, stderr = runIn(w, w.Srv.Link(), c.args+" --wait 1500ms -- true")
			require.Equal(w, exitNotAcquired, code, stderr)
			require.Equal(w, 2, strings.Count(stderr, c.node+" "+says), "while it waits, and at the end: %s", stderr)
		})
	}

	server := zktest.New(t)
	server.Put("/l/"+contender, nil)
	require.NoError(t, server.SetSequence("/l", 1))
	i := start(t, words("lock /l", self("0")...), on(server), role("exit"))
	require.Eventually(t, func() bool { return strings.Contains(i.stderr.String(), says) }, patience, ms)
	require.Contains(t, i.stderr.String(), "docent: lock /l: waiting: /l/"+contender+" "+says+"\n")
	require.NoError(t, server.Remove("/l/"+contender))
	code, _ := i.wait()
	require.Zero(t, code)

	candidate := strings.Replace(contender, "lock-", "latch-", 1)
	server.Put("/e/"+candidate, nil)
	require.NoError(t, server.SetSequence("/e", 1))
	i = start(t, words("elect /e --once", self("0")...), on(server), role("exit"))
	require.Eventually(t, func() bool { return strings.Contains(i.stderr.String(), says) }, patience, ms)
	require.Contains(t, i.stderr.String(), "docent: elect /e: waiting: /e/"+candidate+" "+says+"\n")
	require.NoError(t, server.Remove("/e/"+candidate))
	code, _ = i.wait()
	require.Zero(t, code)
}
