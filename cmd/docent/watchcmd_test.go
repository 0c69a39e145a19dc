//go:build unix

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// gated is a CMD that prints its state, and ends when a line is written to the
// FIFO, with that line as its exit code.
func gated(t *testing.T) (cmd []string, end func(code string)) {
	t.Helper()
	fifo := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	return []string{"--", "sh", "-c", `cat; read code <"$0"; exit "$code"`, fifo}, func(code string) {
		t.Helper()
		require.NoError(t, os.WriteFile(fifo, []byte(code+"\n"), 0o600))
	}
}

// printing is a CMD that prints its state.
var printing = []string{"--", "sh", "-c", `cat`}

// watchers are the watches that give their state to CMD, with a change and what
// the states have in them.
var watchers = map[string]struct {
	line    string
	begin   func(t *testing.T, s *zktest.Server)
	change  func(t *testing.T, s *zktest.Server, n int)
	present func(n int) string
}{
	"config": {
		line:    "config watch /c/k",
		begin:   func(t *testing.T, s *zktest.Server) { require.NoError(t, s.Put("/c/k", []byte("v0"))) },
		change:  func(t *testing.T, s *zktest.Server, n int) { require.NoError(t, s.Put("/c/k", numbered("v", n))) },
		present: func(n int) string { return `{"path":"/c/k","value":"` + string(numbered("v", n)) + `","version":` },
	},
	"group": {
		line:    "group watch /g",
		begin:   func(t *testing.T, s *zktest.Server) { join(t, s, "m0") },
		change:  func(t *testing.T, s *zktest.Server, n int) { join(t, s, string(numbered("m", n))) },
		present: func(n int) string { return `{"id":"` + string(numbered("m", n)) + `","payload":"v","token":` },
	},
	"service": {
		line:  "service watch orders",
		begin: func(t *testing.T, s *zktest.Server) { require.NoError(t, s.Put("/services/orders/i", instance(0))) },
		change: func(t *testing.T, s *zktest.Server, n int) {
			require.NoError(t, s.Put("/services/orders/i", instance(n)))
		},
		present: func(n int) string {
			return `{"service":"orders","instances":[{"service":"orders","id":"i","address":"` + string(numbered("h", n)) + `"`
		},
	},
}

// join joins a member until the end of the test.
func join(t *testing.T, server *zktest.Server, id string) {
	t.Helper()
	i := start(t, words("group join /g "+id+" --data v"), on(server))
	require.Equal(t, "joined /g/"+id, i.line())
	t.Cleanup(func() { require.Zero(t, i.stop()) })
}

func numbered(s string, n int) []byte { return append([]byte(s), byte('0'+n)) }

func instance(n int) []byte {
	return []byte(`{"name":"orders","id":"i","address":"` + string(numbered("h", n)) + `","port":80,"registrationTimeUTC":1,"serviceType":"DYNAMIC"}`)
}

// CMD gets the present state, and then the newest after changes. One runs at a
// time.
func TestWatchCmd(t *testing.T) {
	for name, w := range watchers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := zktest.New(t)
			w.begin(t, server)
			cmd, end := gated(t)
			i := start(t, append(words(w.line+" --debounce 0s"), cmd...), on(server))
			require.Contains(t, i.line(), w.present(0))
			for n := 1; n <= 3; n++ { // while CMD runs
				w.change(t, server, n)
			}
			end("0")
			last := i.line()
			for !strings.Contains(last, w.present(3)) { // the watch may have seen one of the changes alone
				end("0")
				last = i.line()
			}
			require.True(t, json.Valid([]byte(last)))
			i.kill(syscall.SIGTERM)
			code, rest := i.wait()
			require.Zero(t, code, i.stderr)
			require.Empty(t, rest)
			require.Empty(t, i.stderr.String())
		})
	}
}

// While the servers are away the state is unknown: CMD gets neither an empty
// state nor the same once more.
func TestWatchCmd_unknownIsNotEmpty(t *testing.T) {
	for name, w := range watchers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := zktest.New(t)
			w.begin(t, server)
			others := server.Sessions()
			i := start(t, append(words(w.line+" --debounce 0s"), printing...), on(server))
			require.Contains(t, i.line(), w.present(0))
			server.Restart()
			for _, s := range server.Sessions() {
				if !slices.ContainsFunc(others, func(o zktest.SessionInfo) bool { return o.ID == s.ID }) {
					server.Expire(s.ID)
				}
			}
			w.change(t, server, 1)
			require.Contains(t, i.line(), w.present(1))
			i.kill(os.Interrupt)
			code, rest := i.wait()
			require.Zero(t, code, i.stderr)
			require.Empty(t, rest)
		})
	}
}

func TestWatchCmd_leader(t *testing.T) {
	server := zktest.New(t)
	w := start(t, append(words("leader /e --watch --debounce 0s"), printing...), on(server))
	require.Equal(t, `{"vacant":true}`, w.line())
	elect := start(t, words("elect /e --id boss", self()...), on(server), role("signals"))
	require.Contains(t, elect.line(), "ready")
	require.Contains(t, w.line(), `{"vacant":false,"id":"boss","token":`)
	elect.kill(syscall.SIGTERM)
	elect.wait()
	require.Equal(t, `{"vacant":true}`, w.line())
	w.kill(syscall.SIGTERM)
	code, _ := w.wait()
	require.Zero(t, code)

	code, _, stderr := docent(t, words("leader /e -- true"), on(server))
	require.Equal(t, 2, code)
	require.Equal(t, "docent: leader: CMD has an effect only with --watch; give both, or leave CMD out\n", stderr)
}

// Changes within --debounce are one.
func TestWatchCmd_debounce(t *testing.T) {
	server := zktest.New(t)
	require.NoError(t, server.Put("/c/k", []byte("v0")))
	i := start(t, append(words("config watch /c/k --debounce 1h"), printing...), on(server))
	require.Contains(t, i.line(), `"v0"`)
	require.NoError(t, server.Put("/c/k", []byte("v1")))
	i.kill(syscall.SIGHUP)
	code, rest := i.wait()
	require.Zero(t, code)
	require.Empty(t, rest)
}

// A CMD that fails is reported. It runs again after a change, or after a pause,
// or its code is the exit code.
func TestWatchCmd_failures(t *testing.T) {
	server := zktest.New(t)
	require.NoError(t, server.Put("/c/k", []byte("v0")))
	code, out, stderr := docent(t, words("config watch /c/k --on-failure exit -- sh -c", "cat; exit 7"), on(server))
	require.Equal(t, 7, code)
	require.Contains(t, out, `"v0"`)
	require.Equal(t, "docent: config watch /c/k: CMD failed with code 7\n", stderr)

	cmd, end := gated(t)
	i := start(t, append(words("config watch /c/k --on-failure retry --debounce 0s"), cmd...), on(server))
	require.Contains(t, i.line(), `"v0"`)
	end("3")
	require.Contains(t, i.line(), `"v0"`, "the same state again")
	require.Equal(t, "docent: config watch /c/k: CMD failed with code 3; it runs again in 100ms\n", i.stderr.String())
	end("0")
	i.kill(syscall.SIGTERM)
	code, rest := i.wait()
	require.Zero(t, code)
	require.Empty(t, rest)

	i = start(t, append(words("config watch /c/k --debounce 0s"), cmd...), on(server))
	require.Contains(t, i.line(), `"v0"`)
	end("3")
	require.Eventually(t, func() bool { return i.stderr.String() != "" }, patience, ms)
	require.Equal(t, "docent: config watch /c/k: CMD failed with code 3; it runs again after the next change\n", i.stderr.String())
	require.NoError(t, server.Put("/c/k", []byte("v1")))
	require.Contains(t, i.line(), `"v1"`)
	end("0")
	require.Zero(t, i.stop())
}

// Termination is passed on, and CMD has the grace period.
func TestWatchCmd_signals(t *testing.T) {
	server := zktest.New(t)
	require.NoError(t, server.Put("/c/k", []byte("v0")))
	i := start(t, words("config watch /c/k", self()...), on(server), role("signals"))
	require.Contains(t, i.line(), "ready")
	i.kill(syscall.SIGUSR1)
	require.Equal(t, "user defined signal 1", i.line())
	i.kill(syscall.SIGTERM)
	require.Equal(t, "terminated", i.line())
	code, _ := i.wait()
	require.Zero(t, code)

	i = start(t, words("config watch /c/k --grace 0s", self()...), on(server), role("stubborn"))
	require.Contains(t, i.line(), "ready")
	i.kill(syscall.SIGTERM)
	code, _ = i.wait()
	require.Zero(t, code)
	require.Empty(t, i.stderr.String())
}

func TestWatchCmd_usage(t *testing.T) {
	for line, text := range map[string]string{
		"config watch /c --debounce 1s":             "--debounce has an effect only with CMD after --",
		"group watch /g --on-failure maybe -- true": "--on-failure",
		"service watch s --debounce=-1s -- true":    "--debounce -1s is negative",
		"leader /e --watch --grace=-1s -- true":     "--grace -1s is negative",
		"group watch /g --on-failure exit":          "has an effect only with CMD",
	} {
		code, _, stderr := docent(t, words(line))
		require.Equal(t, 2, code, stderr)
		require.Contains(t, stderr, text)
		require.Equal(t, 1, strings.Count(stderr, "\n"))
	}
	code, _, stderr := docent(t, words("group watch /g -- no-such-command"))
	require.Equal(t, 127, code)
	require.Equal(t, "docent: group watch /g: command \"no-such-command\" was not found\n", stderr)
}
