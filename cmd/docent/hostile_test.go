//go:build unix

package main

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// hostile is text that would take a terminal over; hostileName is what of it
// ZooKeeper allows in the name of a node.
const (
	hostile     = "evil\x1b[31mred\x1b]0;title\x07\u009b2J\u202eback\rover\x7f\nnext"
	hostileName = "evil\u202eback\u2066"
)

// What others have written into nodes reaches the terminal as text that can be
// seen, and never as something that the terminal obeys.
func TestHostileTextFromNodes(t *testing.T) {
	server := zktest.New(t)
	sm, err := session.Dial(t.Context(), session.Config{Servers: []string{"zk1"}, Dialer: server.DialContext})
	require.NoError(t, err)
	defer sm.Close()
	ctx := t.Context()

	held := func(h interface{ Release() error }, err error) {
		t.Helper()
		require.NoError(t, err)
	}
	held(lock.NewMutex(sm, "/l", lock.ID(hostile)).Lock(ctx))
	held(lock.NewOneNode(sm, "/x", lock.ID(hostile)).Lock(ctx))
	held(lock.NewRWMutex(sm, "/rw", lock.ID(hostile)).Lock(ctx))
	held(lock.NewSemaphore(sm, "/s", lock.Permits(1), lock.ID(hostile)).Acquire(ctx, 1))
	_, err = election.New(sm, "/e", election.ID(hostile)).Campaign(ctx)
	require.NoError(t, err)
	require.NoError(t, server.Put("/raw", nil))
	_, err = sm.Create(ctx, "/raw/_c_0123456789abcdef0123456789abcdef-latch-0000000000", []byte(hostile), session.Ephemeral)
	require.NoError(t, err)
	_, err = groupmembership.NewGroup(sm, "/g").Join(ctx, hostileName, []byte(hostile))
	require.NoError(t, err)
	instance, err := json.Marshal(map[string]any{
		"name": "web", "id": hostile, "address": hostile, "port": 80, "serviceType": "DYNAMIC",
		"payload": map[string]any{"@class": hostile, "metadata": map[string]string{hostile: hostile}},
	})
	require.NoError(t, err)
	require.NoError(t, server.Put("/services/web/"+hostileName, instance))
	require.NoError(t, server.Put("/services/web/evil", []byte(hostile)))
	_, err = queue.New(sm, "/q").Put(ctx, []byte(hostile))
	require.NoError(t, err)
	_, err = queue.New(sm, "/q", queue.DeadLetters("/q-dead")).Put(ctx, []byte(hostile))
	require.NoError(t, err)
	item, err := queue.New(sm, "/q2").Put(ctx, []byte(hostile))
	require.NoError(t, err)
	require.NotEmpty(t, item)
	taken, err := queue.New(sm, "/q2").Take(ctx)
	require.NoError(t, err)
	require.NoError(t, taken.Reject(hostile))
	require.NoError(t, server.Put("/c/"+hostileName, []byte(hostile)))
	require.NoError(t, server.Put("/counter", []byte(hostile)))
	require.NoError(t, server.Put("/b", []byte(hostile)))

	var quiet []string
	for _, line := range []string{
		"lock /l --try CMD", "lock /x --mode one-node --try CMD", "lock /rw --mode read --try CMD", "lock /s --permits 1 --try CMD",
		"leader /e", "leader /raw", "leader /e --transfer nobody",
		"group list /g", "service list web",
		"queue list /q", "queue dead list /q2", "config list /c", "counter get /counter",
		"config get /c/" + hostileName + "x", "leader /" + hostileName,
	} {
		for _, how := range []string{"-v ", "", "--json "} {
			args := append(words(how+"--connect-timeout 2s"), withCommand(line)...)
			_, out, stderr := docent(t, args, on(server), role("exit"))
			all := out + stderr
			if !strings.Contains(all, "evil") {
				quiet = append(quiet, how+line)
			}
			for _, r := range all {
				require.True(t, r == '\n' || r == '\t' || unicode.IsPrint(r), "%s%s: %q in %q", how, line, r, all)
			}
			require.NotContains(t, all, "\nnext", "%s%s breaks its line", how, line)
		}
	}
	require.Subset(t, []string{
		"queue list /q", "-v queue list /q", "counter get /counter", "-v counter get /counter", "--json counter get /counter",
	}, quiet, "all others show it")

	for _, line := range []string{"group watch /g", "leader /e --watch"} {
		i := start(t, words(line), on(server))
		first := i.line()
		require.Contains(t, first, "evil", line)
		for _, r := range first {
			require.True(t, r == '\t' || unicode.IsPrint(r), "%s: %q in %q", line, r, first)
		}
		i.kill(syscall.SIGTERM)
		i.wait()
	}
}
