//go:build unix

package main

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// listener is a program that releases a lock when it is asked to.
func listener(t *testing.T, server *zktest.Server, acquire func(sm *session.Manager) (*lock.Hold, error)) (h *lock.Hold, released <-chan struct{}) {
	t.Helper()
	sm, err := session.Dial(t.Context(), session.Config{Servers: []string{"zk:2181"}, Dialer: server.DialContext})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sm.Close()) })
	h, err = acquire(sm)
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-h.Revoked()
		if err := h.Release(); err != nil {
			t.Error(err)
		}
	}()
	return h, done
}

// The holder of each kind of lock is asked, and named.
func TestRevoke(t *testing.T) {
	for name, acquire := range map[string]func(sm *session.Manager) (*lock.Hold, error){
		"mutex": func(sm *session.Manager) (*lock.Hold, error) {
			return lock.NewMutex(sm, "/l", lock.ID("worker")).Lock(t.Context())
		},
		"read": func(sm *session.Manager) (*lock.Hold, error) {
			return lock.NewRWMutex(sm, "/l", lock.ID("worker")).RLock(t.Context())
		},
		"one-node": func(sm *session.Manager) (*lock.Hold, error) {
			return lock.NewOneNode(sm, "/l", lock.ID("worker")).Lock(t.Context())
		},
	} {
		for _, how := range []string{"revoke /l", "revoke /l --wait 1m", "revoke HOLDER --wait 1m", "--json revoke /l --wait 1m"} {
			t.Run(name+" "+how, func(t *testing.T) {
				server := zktest.New(t)
				h, released := listener(t, server, acquire)
				code, out, stderr := docent(t, words(strings.Replace(how, "HOLDER", h.Path(), 1)), on(server))
				require.Zero(t, code, stderr)
				require.Empty(t, stderr)
				<-released
				if strings.HasPrefix(how, "--json") {
					var asked askedJSON
					require.NoError(t, json.Unmarshal([]byte(out), &asked))
					require.True(t, asked.Released)
					require.Equal(t, h.Path(), asked.Asked.Path)
					require.Equal(t, "worker", asked.Asked.ID)
					return
				}
				require.Regexp(t, `^asked worker \(pid \d+ on [^)]+\).* for \d+s, session 0x[0-9a-f]+, token \d+\n`, out)
				require.Equal(t, strings.Contains(how, "--wait"), strings.Contains(out, "\nreleased by worker (pid "), out)
			})
		}
	}
}

// "docent lock" heeds a request: it stops CMD, and then releases the lock. The
// next contender holds it after the end of CMD.
func TestRevoke_docentLock(t *testing.T) {
	for _, mode := range []string{"", "--mode read", "--mode write", "--mode one-node"} {
		t.Run(mode, func(t *testing.T) {
			server := zktest.New(t)
			holder := start(t, words("lock /l "+mode, self()...), on(server), role("signals"))
			require.Contains(t, holder.line(), "ready")
			code, out, stderr := docent(t, words("revoke /l --wait 1m"), on(server))
			require.Zero(t, code, stderr)
			require.Contains(t, out, "released by ")
			code, rest := holder.wait()
			require.Equal(t, exitRevoked, code)
			require.Equal(t, []string{"terminated"}, rest)
			require.Equal(t, "docent: lock /l: another client has asked for the lock: CMD was stopped (code 7), and the lock was released\n",
				holder.stderr.String())
			require.Empty(t, server.Sessions())
		})
	}
}

// A CMD that does not end by itself is killed after the grace period, while the
// lock is held.
func TestRevoke_docentLock_killsAfterGrace(t *testing.T) {
	server := zktest.New(t)
	holder := start(t, words("lock /l --grace 1ms", self()...), on(server), role("stubborn"))
	require.Contains(t, holder.line(), "ready")
	code, _, stderr := docent(t, words("revoke /l --wait 1m"), on(server))
	require.Zero(t, code, stderr)
	code, _ = holder.wait()
	require.Equal(t, exitRevoked, code)
	require.Contains(t, holder.stderr.String(), "CMD was stopped (code 137), and the lock was released\n")
}

// A loss counts for more than a request: CMD may overlap with the next holder.
func TestRevoke_docentLock_lost(t *testing.T) {
	server := zktest.New(t)
	holder := start(t, words("lock /l --grace 1h", self()...), on(server), role("slow to end"))
	require.Contains(t, holder.line(), "ready")
	code, _, stderr := docent(t, words("revoke /l"), on(server))
	require.Zero(t, code, stderr)
	require.Equal(t, "terminated", holder.line())
	require.NoError(t, server.Remove(onlyNode(t, server)))
	holder.kill(syscall.SIGUSR1)
	code, _ = holder.wait()
	require.Equal(t, exitLost, code)
	require.Contains(t, holder.stderr.String(), "the hold was lost while CMD ran: ")
}

// onlyNode returns the only ephemeral znode of the only session.
func onlyNode(t *testing.T, server *zktest.Server) string {
	t.Helper()
	sessions := server.Sessions()
	require.Len(t, sessions, 1)
	require.Len(t, sessions[0].Ephemerals, 1)
	return sessions[0].Ephemerals[0]
}

// A holder that does not listen is named at the end of the wait.
func TestRevoke_deaf(t *testing.T) {
	server := zktest.New(t)
	sm, err := session.Dial(t.Context(), session.Config{Servers: []string{"zk:2181"}, Dialer: server.DialContext})
	require.NoError(t, err)
	defer sm.Close()
	_, err = lock.NewMutex(sm, "/m").Lock(t.Context())
	require.NoError(t, err)
	code, _, stderr := docent(t, words("revoke /m --wait 0s"), on(server))
	require.Equal(t, exitNotAcquired, code)
	require.Regexp(t, `^docent: revoke /m: still held by .* \(pid \d+ on .*\): not released within 0s; it may not listen to requests: raise --wait, or end its process\n$`, stderr)
	// A signal ends the wait.
	asking := start(t, words("revoke /m --wait 1h"), on(server))
	asking.line()
	require.Equal(t, 128+15, asking.stop())
}

// What is not a held lock is said.
func TestRevoke_nothingToAsk(t *testing.T) {
	server := zktest.New(t)
	code, _, stderr := docent(t, words("once /job --every 1h", self("0")...), on(server), role("exit"))
	require.Zero(t, code, stderr)
	for path, data := range map[string]string{
		"/empty": "", "/key": "v", "/q/queue-0000000001": "x", "/e/_c_00000000-1111-4222-8333-000000000001-latch-0000000000": "a",
		"/l/_c_00000000-1111-4222-8333-000000000001-lock-0000000000": "", "/k/" + strings.Repeat("a", 32) + "__lock__0000000000": "host",
		"/s/leases/_c_00000000-1111-4222-8333-000000000001-lease-0000000000": "",
	} {
		require.NoError(t, server.Put(path, []byte(data)))
	}
	for _, c := range []struct {
		line, out string
		code      int
	}{
		{"revoke /empty", "no holder was seen, so there is none to ask", 0},
		{"revoke /key", "it is not a lock (docent inspect: config); check the path, and the root in --servers", 1},
		{"revoke /q", "it is not a lock (docent inspect: queue); check the path, and the root in --servers", 1},
		{"revoke /job", "it is the record of a job, whose runs cannot be asked; end the process of the run", 1},
		{"revoke /e", `it is an election; transfer the leadership with "docent leader --transfer"`, 1},
		{"revoke /s", `it is a semaphore, whose holders cannot be asked; end the process of a holder`, 1},
		{"revoke /k", "the holder may be the leader of an election; give the path of the holder's znode to ask it all the same", 1},
		{"revoke /l", `the holder's znode belongs to no session, so no process reads the request; "docent inspect" shows the znode, and "docent remove" deletes it`, 1},
	} {
		code, out, stderr := docent(t, words(c.line), on(server))
		require.Equal(t, c.code, code, stderr)
		require.Empty(t, out)
		require.Equal(t, "docent: "+c.line+": "+c.out+"\n", stderr)
	}
	code, _, stderr = docent(t, words("revoke /l --wait -1s"), on(server))
	require.Equal(t, exitUsage, code, stderr)
}
