package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
)

// onTerminalIn runs a command line in virtual time, with a terminal for
// standard error, and returns the lines there.
func onTerminalIn(w *testworld.World, line string, during func(ctx context.Context, signals chan<- os.Signal)) (code int, lines []string) {
	w.Helper()
	var out, errs bytes.Buffer
	link := w.Srv.Link()
	ctx, cancel := context.WithCancel(w.Context())
	signals := make(chan os.Signal)
	acted := make(chan struct{})
	go func() {
		defer close(acted)
		during(ctx, signals)
	}()
	code = run(ctx, environment{
		args: append([]string{"--servers", "zk1"}, strings.Fields(line)...), stdout: &out, stderr: &errs, terminal: true, dial: link.DialContext,
		notify: func(...os.Signal) (<-chan os.Signal, func()) { return signals, func() {} },
	})
	cancel()
	<-acted
	return code, strings.Split(strings.TrimSuffix(errs.String(), "\n"), "\n")
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// A wait on a terminal says once whom or what it waits for.
func TestNarrated(t *testing.T) {
	for _, c := range []struct {
		line, says string
		before     func(w *testworld.World)
	}{
		{"lock /l --wait 30s -- true", `waiting: held by \S+ \(pid .*\), queued at \S+`, held},
		{"barrier wait /g --wait 30s", `waiting: the gate is set`, func(w *testworld.World) { w.Put("/g", "") }},
		{"queue take /q --wait 30s", `waiting: no item is ready`, func(w *testworld.World) { w.Put("/q", "") }},
		{"barrier enter /b --count 2 --wait 30s -- true", `waiting: fewer than 2 members have entered`, nil},
		{"barrier enter /b --count 2 --id a --wait 10s -- true", `waiting: another member has the id a \(pid \d+ on .*\)`, func(w *testworld.World) {
			d := barrier.NewDouble(w.Process().Manager, "/b", 2, barrier.ID("a"))
			require.True(w, testworld.Go(w, d.Enter).Waiting())
		}},
		{"group join /gw one", `waiting: the id is taken: session 0x\w+ holds it`, func(w *testworld.World) {
			_, err := groupmembership.NewGroup(w.Process().Manager, "/gw").Join(w.Context(), "one", nil)
			require.NoError(w, err)
		}},
		{"service register orders one 10.0.0.7:80", `waiting: the id is taken: session 0x\w+ holds it`, func(w *testworld.World) {
			_, err := naming.NewRegistry(w.Process().Manager).Register(w.Context(), naming.Instance{Service: "orders", ID: "one", Address: "h", Port: 1})
			require.NoError(w, err)
		}},
		{"leader /e --transfer b --wait 30s", `waiting: another candidate leads`, campaigning},
		{"once /j --every 1h --wait 30s -- true", `waiting: a run is under way`, func(w *testworld.World) {
			_, err := lock.NewOnce(w.Process().Manager, "/j", time.Hour).Start(w.Context())
			require.NoError(w, err)
		}},
		{"lock /l --wait 30s -- true", `waiting: held by a client without a name, queued at \S+ \(/l/lock-0000000000 belongs to no session, and stays until a client deletes it\)`,
			func(w *testworld.World) { w.Put("/l/lock-0000000000", "") }},
	} {
		testworld.Run(t, func(w *testworld.World) {
			if c.before != nil {
				c.before(w)
			}
			_, lines := onTerminalIn(w, c.line, func(context.Context, chan<- os.Signal) {})
			require.Len(w, lines, 2, "%s: %q", c.line, lines)
			require.Regexp(w, `^docent: [^\n]*: `+c.says+`$`, lines[0])
		})
	}
	testworld.Run(t, func(w *testworld.World) { // elect has no --wait
		campaigning(w)
		_, lines := onTerminalIn(w, "elect /e -- true", func(ctx context.Context, signals chan<- os.Signal) {
			sleep(ctx, time.Minute)
			signals <- os.Interrupt
		})
		require.Len(w, lines, 2, "%q", lines)
		require.Regexp(w, `^docent: elect /e: waiting: led by a$`, lines[0])
	})
}

// A signal that ends the wait for a taken id is not a normal end: the process was
// never in.
func TestInterruptedBeforeItWasIn(t *testing.T) {
	for line, path := range map[string]string{"group join /gw one": "/gw/one", "service register orders one 10.0.0.7:80": "/services/orders/one"} {
		for _, taken := range []bool{true, false} {
			testworld.Run(t, func(w *testworld.World) {
				dir, _ := znode.Split(path)
				w.Put(dir, "")
				if taken {
					_, err := w.Process().Manager.Create(w.Context(), path, nil, session.Ephemeral)
					require.NoError(w, err)
				}
				code, lines := onTerminalIn(w, line, func(ctx context.Context, signals chan<- os.Signal) {
					sleep(ctx, 5*time.Second)
					signals <- syscall.SIGTERM
				})
				if !taken {
					require.Zero(w, code, line)
					return
				}
				require.Equal(w, 128+15, code, line)
				require.Len(w, lines, 2, line)
				require.Regexp(w, "^docent: "+line[:12]+".* one: interrupted by signal 15", lines[1])
			})
		}
	}
}

// A change of what is waited for is said, and an outage with its length.
func TestNarrated_changes(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		first, second := w.Process(testworld.Timeout(time.Minute)), w.Process(testworld.Timeout(time.Minute))
		h, err := lock.NewMutex(first.Manager, "/l", lock.ID("one")).Lock(w.Context())
		require.NoError(w, err)
		next := testworld.Go(w, lock.NewMutex(second.Manager, "/l", lock.ID("two")).Lock)
		require.True(w, next.Waiting())
		code, lines := onTerminalIn(w, "lock /l --wait 2m -- true", func(ctx context.Context, _ chan<- os.Signal) {
			sleep(ctx, 20*time.Second)
			if err := h.Release(); err != nil {
				w.Error(err)
			}
			sleep(ctx, 20*time.Second)
			w.Srv.Freeze()
			sleep(ctx, 20*time.Second)
			w.Srv.Thaw()
		})
		require.Equal(w, exitNotAcquired, code)
		require.Len(w, lines, 5, "%q", lines)
		require.Contains(w, lines[0], "docent: lock /l: waiting: held by one (pid ")
		require.Contains(w, lines[1], "docent: lock /l: waiting: held by two (pid ")
		require.Regexp(w, `^docent: lock /l: (no server answers|a server can be reached, but the ensemble has no quorum) since \S+; the wait goes on$`, lines[2])
		require.Regexp(w, `^docent: lock /l: ZooKeeper answers again, after \d+s$`, lines[3])
		require.Contains(w, lines[4], "held by two (pid ")
	})
}

// A file that follows a key may be out of date while no server answers.
func TestConfigSync_silence(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/k", "v")
		file := filepath.Join(t.TempDir(), "file")
		var out, errs bytes.Buffer
		link := w.Srv.Link()
		signals := make(chan os.Signal)
		go func() {
			time.Sleep(5 * time.Second)
			w.Srv.Freeze()
			time.Sleep(20 * time.Second)
			w.Srv.Thaw()
			time.Sleep(5 * time.Second)
			signals <- os.Interrupt
		}()
		code := run(w.Context(), environment{
			args: []string{"--servers", "zk1", "config", "sync", "/k", file}, stdout: &out, stderr: &errs, dial: link.DialContext,
			notify: func(...os.Signal) (<-chan os.Signal, func()) { return signals, func() {} },
		})
		require.Zero(w, code, errs.String())
		require.Regexp(w, `^docent: config sync /k: [^\n]+ since \S+; the file may be out of date\n`+
			`docent: config sync /k: ZooKeeper answers again, after \d+s\n$`, errs.String())
	})
}
