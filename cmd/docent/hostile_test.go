//go:build unix

package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
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

	for _, line := range []string{"group watch /g", "leader /e --watch", "config watch /b"} {
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

// Every verb meets every hostile znode: whatever it makes of it, the output is
// text that can be seen. A verb that prints data as it is, for a pipe, is the
// exception: "config get" and "queue take" without --json.
func TestFault50_HostileTextInEveryVerb(t *testing.T) {
	verbs := map[string]string{
		"lock": "lock PATH --try CMD", "once": "once PATH --every 1h CMD", "elect": "elect PATH --wait 100ms CMD", "leader": "leader PATH",
		"leader transfer": "leader PATH --transfer evil --wait 100ms", "barrier wait": "barrier wait PATH --wait 100ms", "barrier set": "barrier set PATH",
		"barrier lift": "barrier lift PATH", "barrier run": "barrier run PATH 2 --wait 100ms CMD", "counter get": "counter get PATH", "counter add": "counter add PATH 1",
		"counter set": "counter set PATH 1", "config get": "--json config get PATH", "config set": "config set PATH x --version 7", "config list": "config list PATH",
		"config history": "config history PATH", "config rollback": "config rollback PATH 1", "config delete": "config delete PATH --version 7",
		"queue put": "queue put PATH x", "queue len": "queue len PATH", "queue list": "queue list PATH", "queue take": "--json queue take PATH --wait 100ms",
		"queue dead list": "queue dead list PATH", "queue dead redrive": "queue dead redrive PATH evil", "group list": "group list PATH",
		"service list": "service list --base BASE NAME", "services": "service list --base PATH", "service pick": "service pick --base BASE NAME",
		"service drain": "service drain --base BASE NAME evil", "inspect": "inspect PATH", "inspect deadlocks": "inspect --deadlocks --confirm 0s PATH",
	}
	for name, verb := range verbs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := zktest.New(t)
			sm, err := session.Dial(t.Context(), session.Config{Servers: []string{"zk1"}, Dialer: server.DialContext})
			require.NoError(t, err)
			defer sm.Close()
			var paths []string
			put := func(path string, data string, mode session.Mode) {
				if dir := path[:strings.LastIndexByte(path, '/')]; dir != "" {
					require.NoError(t, server.Put(dir, nil))
					paths = append(paths, dir)
				}
				if mode == session.Ephemeral {
					_, err = sm.Create(t.Context(), path, []byte(data), mode)
				} else {
					err = server.Put(path, []byte(data))
				}
				require.NoError(t, err, path)
				paths = append(paths, path)
			}
			quoted, err := json.Marshal(hostile)
			require.NoError(t, err)
			owner := fmt.Sprintf(`{"id":%s,"host":%s,"pid":1}`, quoted, quoted)
			instance := fmt.Sprintf(`{"name":%[1]s,"id":%[1]s,"address":%[1]s,"port":80,"registrationTimeUTC":0,"serviceType":%[1]s,"payload":{"@class":%[1]s}}`, quoted)
			const guid = "_c_0c42bf25-0f3d-4b3c-9d0c-6f2f3f4a5b6c-"
			put("/locks/"+guid+"lock-0000000000", owner, session.Ephemeral)
			put("/latch/"+guid+"latch-0000000000", hostile, session.Ephemeral)
			put("/one", owner, session.Ephemeral)
			put("/members/"+hostileName, hostile, session.Ephemeral)
			put("/services/web/"+hostileName, instance, session.Persistent)
			put("/c/"+hostileName, hostile, session.Persistent)
			put("/q/items/queue-0000000000", hostile, session.Persistent)
			put("/q/items/queue-0000000001", "\x00\x01\x00\x01\x01\x00\x00\x00\x08\x1b[31mred\x02", session.Persistent)
			put("/q/claims/queue-0000000001", hostile, session.Ephemeral)
			put("/q/dead/queue-0000000001.2f", fmt.Sprintf(`{"reason":%s}`+"\n", quoted)+hostile, session.Persistent)
			put("/double/ready", fmt.Sprintf(`{"round":1,"members":[%s]}`, quoted), session.Persistent)
			put("/once", fmt.Sprintf(`{"once":"running","run":{"id":%[1]s,"host":%[1]s,"pid":1,"call":%[1]s}}`, quoted), session.Persistent)
			put("/gate", owner, session.Persistent)
			paths = append(paths, "/q")
			for _, path := range slices.Compact(paths) {
				up, last := path[:max(1, strings.LastIndexByte(path, '/'))], path[strings.LastIndexByte(path, '/')+1:]
				line := strings.NewReplacer("PATH", path, "BASE", up, "NAME", cmp.Or(last, "x")).Replace("-v --connect-timeout 5s " + verb)
				args := make([]string, 0, 10)
				for _, word := range strings.Split(line, " ") {
					if word == "CMD" {
						args = append(args, self()...)
						continue
					}
					args = append(args, word)
				}
				_, out, stderr := docent(t, args, on(server), role("exit"))
				for line := range strings.Lines(out + stderr) {
					for _, r := range strings.TrimSuffix(line, "\n") {
						require.True(t, r == '\t' || unicode.IsPrint(r), "%q: %q in %q", args, r, line)
					}
				}
				require.NotContains(t, out+stderr, "\nnext", "%q breaks its line", args)
			}
		})
	}
}
