//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// manager opens a session on the server for a test.
func manager(t *testing.T, server *zktest.Server) *session.Manager {
	t.Helper()
	sm, err := session.Dial(t.Context(), session.Config{Servers: []string{"zk1"}, Dialer: server.DialContext})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sm.Close()) })
	return sm
}

func TestInspect_text(t *testing.T) {
	server := zktest.New(t)
	sm := manager(t, server)
	_, err := lock.NewMutex(sm, "/locks/orders", lock.ID("a")).Lock(t.Context())
	require.NoError(t, err)
	_, err = election.New(sm, "/e", election.ID("b")).Campaign(t.Context())
	require.NoError(t, err)
	_, err = queue.New(sm, "/q").Put(t.Context(), []byte("x"))
	require.NoError(t, err)
	require.NoError(t, server.Put("/conf/key", []byte("value")))
	require.NoError(t, server.Put("/locks/stuck/_c_00000000-1111-4222-8333-000000000001-lock-0000000000", []byte("10.0.0.1")))
	require.NoError(t, server.Put("/locks/stuck\u202e", []byte("red")))

	code, out, stderr := docent(t, words("inspect"), on(server))
	require.Zero(t, code)
	require.Empty(t, stderr)
	out = regexp.MustCompile(`\d+s|0x[0-9a-f]+|token \d+|pid \d+ on [^)]+`).ReplaceAllString(out, "_")
	require.Equal(t, `/conf/key  config  5 bytes  version 0, changed _ ago
/e  election (curator)  led by b, queued _ ago, session _, _
/locks/orders  lock (docent)  held by a (_), queued _ ago, session _, _
/locks/stuck  lock (curator)  held by 10.0.0.1, queued _ ago, no session, _
  ! /locks/stuck/_c_00000000-1111-4222-8333-000000000001-lock-0000000000: it belongs to no session, and stays until a client deletes it
/locks/stuck\xe2\x80\xae  config  3 bytes  version 0, changed _ ago
/q  queue (curator)  1 item, the oldest put _ ago
`, out)
	require.Len(t, server.Sessions(), 1, "nothing is left behind")
}

func TestInspect_json(t *testing.T) {
	server := zktest.New(t)
	sm := manager(t, server)
	h, err := lock.NewMutex(sm, "/l", lock.ID("a")).Lock(t.Context())
	require.NoError(t, err)
	began := time.Now()
	code, out, _ := docent(t, words("inspect --json /"), on(server))
	require.Zero(t, code)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, 2)
	var f struct {
		Taken      time.Time
		Kind, Path string
		Holder     struct {
			ID, Session string
			Token       int64
		}
	}
	require.NoError(t, json.Unmarshal([]byte(lines[1]), &f))
	require.WithinRange(t, f.Taken, began, time.Now(), "the time of the reads")
	require.Equal(t, "lock", f.Kind)
	require.Equal(t, "/l", f.Path)
	require.Equal(t, "a", f.Holder.ID)
	require.Equal(t, h.Token(), f.Holder.Token)
	require.Equal(t, fmt.Sprintf("0x%x", uint64(server.Sessions()[0].ID)), f.Holder.Session)
}

// What is kept of a key is said with the key.
func TestInspect_history(t *testing.T) {
	server := zktest.New(t)
	history := config.NewStore(manager(t, server), "/conf").History(3)
	for key, n := range map[string]int{"key": 4, "gone": 1} {
		for range n {
			_, err := history.Put(t.Context(), key, []byte("value"))
			require.NoError(t, err)
		}
	}
	require.NoError(t, config.NewStore(manager(t, server), "/conf").Delete(t.Context(), "gone", session.AnyVersion))
	code, out, stderr := docent(t, words("inspect /conf"), on(server))
	require.Zero(t, code, stderr)
	out = regexp.MustCompile(`\d+s`).ReplaceAllString(out, "_")
	require.Equal(t, `/conf/.history/gone  history (docent)  1 value kept of /conf/gone
  (the key does not exist)
/conf/key  config  5 bytes  version 3, changed _ ago, 3 values kept
`, out)
	code, out, stderr = docent(t, words("--json inspect /conf/key"), on(server))
	require.Zero(t, code, stderr)
	require.NotContains(t, out, "kept", "what lies beside it was not looked at")
	code, out, stderr = docent(t, words("--json inspect /conf"), on(server))
	require.Zero(t, code, stderr)
	require.Contains(t, out, `"path":"/conf/key"`)
	require.Regexp(t, `"kind":"history","path":"/conf/.history/gone",.*"kept":1,.*"key":"/conf/gone"`, out)
}

func TestInspect_limits(t *testing.T) {
	server := zktest.New(t)
	for i := range 20 {
		require.NoError(t, server.Put(fmt.Sprintf("/k/%d", i), nil))
	}
	code, out, _ := docent(t, words("inspect --limit 5 /k"), on(server))
	require.Zero(t, code)
	require.Contains(t, out, "/k  omitted  16 children not read: the limit of znodes was reached\n")
	code, out, _ = docent(t, words("inspect --depth 0 /k"), on(server))
	require.Zero(t, code)
	require.Contains(t, out, "/k  omitted  20 children not read: the maximum depth was reached\n")
}

func TestInspect_deadlocks(t *testing.T) {
	server := zktest.New(t)
	a, b := manager(t, server), manager(t, server)
	code, out, stderr := docent(t, words("inspect --deadlocks --confirm 0s"), on(server))
	require.Zero(t, code)
	require.Equal(t, "no deadlock\n", out)
	require.Empty(t, stderr)
	for path, sm := range map[string]*session.Manager{"/1": a, "/2": b} {
		_, err := lock.NewMutex(sm, path, lock.ID("holds "+path)).Lock(t.Context())
		require.NoError(t, err)
	}
	done := make(chan error, 2)
	for path, sm := range map[string]*session.Manager{"/2": a, "/1": b} {
		go func() {
			_, err := lock.NewMutex(sm, path, lock.ID("wants "+path)).Lock(t.Context())
			done <- err
		}()
	}
	awaitEphemerals(t, server, 4)
	code, out, stderr = docent(t, words("inspect --deadlocks --confirm 10ms"), on(server))
	require.Equal(t, 1, code)
	require.Equal(t, "docent: inspect /: 1 deadlock found; end one process of each cycle\n", stderr)
	require.Regexp(t, `^deadlock of 2 sessions, all waiting for \d+s:\n`+
		`  wants /[12] \(pid \d+ on \S+\), session 0x[0-9a-f]+, waits at /[12] \(lock\) for wants /[12] .*, session 0x[0-9a-f]+\n`+
		`  wants /[12] .* waits at /[12] \(lock\) for wants /[12] .*\n$`, out)
	code, out, _ = docent(t, words("--json inspect --deadlocks --confirm 10ms"), on(server))
	require.Equal(t, 1, code)
	require.Equal(t, 1, strings.Count(out, "\n"))
	var d struct {
		Ring []struct{ Lock string }
	}
	require.NoError(t, json.Unmarshal([]byte(out), &d))
	require.ElementsMatch(t, []string{"/1", "/2"}, []string{d.Ring[0].Lock, d.Ring[1].Lock})
	code, _, stderr = docent(t, words("inspect --deadlocks --limit 2 --confirm 0s"), on(server))
	require.Zero(t, code)
	require.Regexp(t, `^docent: inspect /: the search is not complete and may have missed a deadlock: \d+ znodes were left out \(see --limit and --max-bytes\)\n$`, stderr)
	require.NoError(t, a.Close())
	require.NoError(t, b.Close())
	<-done
	<-done
}

func TestInspect_watch(t *testing.T) {
	server := zktest.New(t)
	sm := manager(t, server)
	watch := start(t, words("inspect --watch --every 0s /conf/key"), on(server))
	require.Eventually(t, func() bool {
		return strings.Contains(watch.stderr.String(), "inspect /conf/key: there is no such znode")
	}, patience, time.Millisecond)
	_, err := config.NewStore(sm, "/conf").Create(t.Context(), "key", []byte("1"))
	require.NoError(t, err)
	require.Regexp(t, `^-- .* --$`, watch.line())
	require.Contains(t, watch.line(), "/conf/key  config  1 byte  version 0")
	require.NoError(t, server.Put("/conf/key", []byte("12")))
	watch.line()
	require.Contains(t, watch.line(), "/conf/key  config  2 bytes  version 1")
	watch.kill(syscall.SIGTERM)
	code, _ := watch.wait()
	require.Zero(t, code)
}

// While the ensemble does not answer, what was printed is not taken for the
// present.
func TestFault31_InspectWatchTellsOfTrouble(t *testing.T) {
	t.Parallel()
	server := zktest.New(t)
	require.NoError(t, server.Put("/conf/key", []byte("1")))
	text := start(t, words("inspect --watch /conf/key"), on(server))
	machine := start(t, words("--json inspect --watch /conf/key"), on(server))
	text.line()
	text.line()
	require.Contains(t, machine.line(), `"findings"`)
	back := make(chan struct{})
	remove := server.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op == zktest.OpMulti {
			return zktest.Hold(back)
		}
		return zktest.Pass
	})
	trouble := machine.line()
	if !strings.Contains(trouble, `"noQuorum"`) { // asked while it was dialling: the next one corrects it
		trouble = machine.line()
	}
	require.Regexp(t, `^\{"trouble":"no answer for \d+s: a server can be reached, but the ensemble has no quorum","noQuorum":true,"confirmed":".*"\}$`,
		trouble)
	require.Eventually(t, func() bool {
		return strings.Contains(text.stderr.String(), "the ensemble has no quorum; the last print was true at ")
	}, patience, time.Millisecond)
	remove()
	close(back)
	require.Contains(t, machine.line(), `"findings"`)
	text.line()
	require.Contains(t, text.line(), "/conf/key")
	for _, watch := range []*invocation{text, machine} {
		watch.kill(syscall.SIGTERM)
		code, _ := watch.wait()
		require.Zero(t, code)
	}
}

func TestInspect_failures(t *testing.T) {
	server := zktest.New(t)
	for line, want := range map[string]struct {
		code int
		text string
	}{
		"inspect --deadlocks --watch":       {2, "exclude each other"},
		"inspect --limit 0":                 {2, "--limit 0 is too small; give 1"},
		"inspect --depth=-3":                {2, "--depth -3"},
		"inspect --every=-1s --watch":       {2, "--every -1s is negative"},
		"inspect --confirm=-1s --deadlocks": {2, "--confirm -1s is negative"},
		"inspect relative":                  {2, "relative"},
		"inspect /missing":                  {1, "inspect /missing: there is no such znode; check the path"},
	} {
		code, out, stderr := docent(t, words(line), on(server))
		require.Equal(t, want.code, code, line)
		require.Empty(t, out)
		require.Contains(t, stderr, want.text)
		require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
	}
	// A server that hangs once the session is open.
	sm := manager(t, server)
	require.NoError(t, sm.Close())
	remove := server.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op == zktest.OpExists {
			server.Freeze()
			return zktest.DropRequest.Silent()
		}
		return zktest.Pass
	})
	defer remove()
	code, _, stderr := docent(t, words("--timeout 4s --connect-timeout 500ms inspect"), on(server))
	require.Equal(t, 69, code)
	require.Contains(t, stderr, "no server could be reached within 500ms")
	server.Thaw()
}
