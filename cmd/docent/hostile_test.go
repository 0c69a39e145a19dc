//go:build unix

package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// hostile is text that would take a terminal over, with letters that no reader
// sees. hostileName is the part that ZooKeeper allows in the name of a znode.
const (
	hostile     = "evil\x1b[31mred\x1b]0;title\x07\u009b2J\u202eback\rover\x7f\nnext\u3164\u2800\ufe0f\U000e0061"
	hostileName = "evil\u202eback\u2066\u115f\u3164\uffa0\u2800\ufe0f"
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
				require.True(t, r == '\n' || r == '\t' || seen(r), "%s%s: %q in %q", how, line, r, all)
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
			require.True(t, r == '\t' || seen(r), "%s: %q in %q", line, r, first)
		}
		i.kill(syscall.SIGTERM)
		i.wait()
	}
}

// hostileVerbs are all verbs that read or write znodes. CMD is a command. PATH is
// the path of a hostile znode, which is NAME in BASE.
var hostileVerbs = map[string]string{
	"lock": "lock PATH --try CMD", "lock one-node": "lock PATH --mode one-node --wait 100ms CMD", "lock write": "lock PATH --mode write --wait 100ms CMD",
	"lock permits": "lock PATH --permits 1 --wait 100ms CMD", "once": "once PATH --every 1h CMD", "once again": "once PATH --every 1h --wait 100ms --again failed CMD",
	"leader": "leader PATH", "leader selector": "leader PATH --layout selector", "leader one-node": "leader PATH --layout one-node",
	"leader transfer": "leader PATH --transfer evil --wait 100ms", "barrier wait": "barrier wait PATH --wait 100ms", "barrier set": "barrier set PATH",
	"barrier lift": "barrier lift PATH", "counter get": "counter get PATH",
	"counter add": "counter add PATH 1", "counter set": "counter set PATH 1", "config get": "--json config get PATH",
	"config export": "config export PATH", "config diff": "config diff BASE --with PATH", "config import": "config import PATH testdata/limits.json",
	"exec": "exec BASE --skip-invalid CMD", "exec one": "exec PATH CMD",
	"config set": "config set PATH x --version 7", "config list": "config list PATH", "config history": "config history PATH",
	"config rollback": "config rollback PATH 1", "config delete": "config delete PATH --version 7", "queue put": "queue put PATH x",
	"queue len": "queue len PATH", "queue list": "queue list PATH", "queue take": "--json queue take PATH --wait 100ms",
	"queue take CMD": "queue take PATH --wait 100ms CMD", "queue dead list": "queue dead list PATH",
	"queue dead redrive": "queue dead redrive PATH queue-0000000001.2f", "queue dead discard": "queue dead discard PATH queue-0000000001.2f",
	"group list": "group list PATH", "services": "service list --base PATH", "service list": "service list --base BASE NAME",
	"service pick": "service pick --base BASE NAME", "service drain": "service drain --base BASE NAME evil", "inspect": "inspect PATH",
	"inspect deadlocks": "inspect --deadlocks --confirm 0s PATH", "acl check": "acl check PATH",
	"revoke": "revoke PATH", "remove": "remove PATH",
	"acl init": "--auth digest:ann:x acl init PATH --force",
}

// hostileStays are the verbs that stay until a signal comes.
var hostileStays = map[string]string{
	"elect": "elect PATH --once CMD", "elect one-node": "elect PATH --layout one-node --once CMD", "leader watch": "leader PATH --watch",
	"config watch": "config watch PATH", "config sync": "config sync PATH FILE CMD", "config sync tree": "config sync PATH FILE --tree CMD", "group join": "group join BASE NAME", "group join below": "group join PATH evil",
	"group watch": "group watch PATH", "service register": "service register --base BASE NAME evil h:80", "service watch": "service watch --base BASE NAME",
	"inspect watch": "inspect --watch PATH", "barrier enter": "barrier enter PATH --count 2 --wait 100ms CMD",
}

// hostileWorld puts hostile znodes of every kind on a server, and returns their
// paths.
func hostileWorld(t *testing.T) (server *zktest.Server, paths []string) {
	t.Helper()
	server = zktest.New(t, zktest.SessionTimeouts(400*time.Millisecond, 0))
	sm, err := session.Dial(t.Context(), session.Config{Servers: []string{"zk1"}, Dialer: server.DialContext})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sm.Close()) })
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
	put("/double/member-"+hostileName, owner, session.Ephemeral)
	put("/once", fmt.Sprintf(`{"once":"running","run":{"id":%[1]s,"host":%[1]s,"pid":1,"call":%[1]s}}`, quoted), session.Persistent)
	put("/gate", owner, session.Persistent)
	return server, slices.Compact(append(paths, "/q"))
}

// hostileArgs returns the command line of a verb for a path.
func hostileArgs(t *testing.T, verb, path string) (args []string) {
	up, last := path[:max(1, strings.LastIndexByte(path, '/'))], path[strings.LastIndexByte(path, '/')+1:]
	line := strings.NewReplacer("PATH", path, "BASE", up, "NAME", cmp.Or(last, "x"), "FILE", t.TempDir()+"/file").Replace("--connect-timeout 5s --timeout 400ms " + verb)
	for _, word := range strings.Split(line, " ") {
		if word == "CMD" {
			args = append(args, self("0")...)
			continue
		}
		args = append(args, word)
	}
	return args
}

// requireSeen requires that the output is text that can be seen.
func requireSeen(t *testing.T, args []string, output string) {
	t.Helper()
	for line := range strings.Lines(output) {
		for _, r := range strings.TrimSuffix(line, "\n") {
			require.True(t, r == '\t' || seen(r), "%q: %q in %q", args, r, line)
		}
	}
	require.NotContains(t, output, "\nnext", "%q breaks its line", args)
}

// Every verb meets every hostile znode: whatever it makes of it, the output is
// text that can be seen. A verb that prints data as it is, for a pipe, is the
// exception: "config get" and "queue take" without --json.
func TestFault50_HostileTextInEveryVerb(t *testing.T) {
	for nth, name := range slices.Sorted(maps.Keys(hostileVerbs)) {
		verb := hostileVerbs[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, paths := hostileWorld(t)
			tried := oneIn > 1 // not every line
			for i, path := range paths {
				if i%oneIn != nth%oneIn {
					continue
				}
				args := append([]string{"-v"}, hostileArgs(t, verb, path)...)
				code, out, stderr := docent(t, args, on(server), role("exit"))
				requireSeen(t, args, out+stderr)
				tried = tried || code != exitUsage || strings.Contains(stderr, "session opened")
			}
			require.True(t, tried, "every line is wrong usage")
		})
	}
}

// The same for the verbs that stay until a signal comes.
func TestFault50_HostileTextInVerbsThatStay(t *testing.T) {
	for nth, name := range slices.Sorted(maps.Keys(hostileStays)) {
		verb := hostileStays[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tried := oneIn > 1 // not every line
			server, paths := hostileWorld(t)
			for i, path := range paths {
				if i%oneIn != nth%oneIn {
					continue
				}
				args := hostileArgs(t, verb, path)
				var out safeBuffer
				watches := server.Watches()
				stays := start(t, args, on(server), role("exit"), func(env *environment) { env.stdout = &out })
				require.Eventually(t, func() bool {
					return len(stays.code) > 0 || out.String() != "" || stays.stderr.String() != "" || server.Watches() > watches
				}, patience, ms, "%q", args)
				code := stays.stop()
				requireSeen(t, args, out.String()+stays.stderr.String())
				tried = tried || code != exitUsage
			}
			require.True(t, tried, "every line is wrong usage")
		})
	}
}

// No verb is missing in the two tables.
func TestFault50_TablesAreComplete(t *testing.T) {
	own := []string{"demo", "dev", "status", "ui", "completion", "man", "version"} // they print no text of znodes; the page has tests of its own
	parser, err := kong.New(new(grammar), append(decoders(), kong.Name("docent"))...)
	require.NoError(t, err)
	for _, leaf := range parser.Model.Leaves(true) {
		words := strings.Join(verb(leaf), " ")
		found := slices.Contains(own, words)
		for _, line := range slices.Concat(slices.Collect(maps.Values(hostileVerbs)), slices.Collect(maps.Values(hostileStays))) {
			found = found || strings.Contains(" "+line+" ", " "+words+" ")
		}
		require.True(t, found, "%q is in none of the tables", words)
	}
}
