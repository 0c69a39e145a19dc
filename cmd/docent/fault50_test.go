//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Many large instances, members and keys: what fits is printed, the command says
// what is left out, and it ends well.
func TestFault50_MoreThanFits(t *testing.T) {
	server := zktest.New(t)
	sm, err := session.Dial(t.Context(), session.Config{Servers: []string{"zk1"}, Dialer: server.DialContext})
	require.NoError(t, err)
	defer sm.Close()
	large := strings.Repeat("x", 1<<20-1000)
	for i := range 80 {
		instance, err := json.Marshal(map[string]any{"address": "h", "port": 80, "payload": large})
		require.NoError(t, err)
		require.NoError(t, server.Put(fmt.Sprintf("/services/web/i%02d", i), instance))
		if oneIn > 1 {
			continue
		}
		require.NoError(t, server.Put(fmt.Sprintf("/c/k%02d", i), []byte(large)))
		_, err = groupmembership.NewGroup(sm, "/g").Join(t.Context(), fmt.Sprintf("m%02d", i), []byte(large[:1<<20-10_000]))
		require.NoError(t, err)
	}
	for i, c := range []struct {
		line, first string
		lines       int
	}{
		{"service list web", "i64", 64}, {"config list /c", "k64", 64}, {"group list /g", "m64", 80},
	} {
		if i%oneIn != 0 {
			continue
		}
		code, out, stderr := docent(t, words("--connect-timeout 5m "+c.line), on(server))
		require.Zero(t, code, "%s: %s", c.line, stderr)
		require.Len(t, strings.Split(strings.TrimSpace(out), "\n"), c.lines, c.line)
		require.Contains(t, stderr, "16 ", c.line)
		require.Contains(t, stderr, "left out", c.line)
		require.Contains(t, stderr, c.first, c.line)
	}
}

// Work that takes too long says so: the servers are not at fault.
func TestFault50_SlowWork(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/services/web", "")
		for i := range 40 {
			w.Put(fmt.Sprintf("/services/web/i%02d", i), strings.Repeat("x", 300<<10))
		}
		defer w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpMultiRead {
				time.Sleep(200 * time.Millisecond)
			}
			return zktest.Pass
		})()
		code, stderr := runIn(w, w.Srv.Link(), "--connect-timeout 2s service list web")
		require.Equal(w, exitFailure, code)
		require.Equal(w, "docent: service list web: it was not done within 2s, although ZooKeeper answers: "+
			"there may be too much data to read; raise --connect-timeout\n", stderr)
	})
}
