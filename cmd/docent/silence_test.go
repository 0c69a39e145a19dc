//go:build unix

package main

import (
	"bytes"
	"context"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
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
	told("ZooKeeper answers again")
	for _, watch := range all {
		watch.kill(syscall.SIGTERM)
		code, _ := watch.wait()
		require.Zero(t, code)
	}
}

// A leader that has lost its quorum accepts the session again: the silence goes
// on.
func TestFault31_SilenceEndsWithAQuorum(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		var stderr bytes.Buffer
		a := &app{environment: &environment{stderr: &stderr}}
		p := w.Process()
		ctx, cancel := context.WithCancel(w.Context())
		done := make(chan error, 1)
		go func() {
			done <- a.withSilenceWarnings(ctx, "watch", p.Manager, func() error { <-ctx.Done(); return nil })
		}()
		synctest.Wait()
		old := w.Srv.Depose(p.Link)
		p.Link.Disconnect()
		time.Sleep(inspect.DefaultSilence + time.Second)
		synctest.Wait()
		require.Regexp(w, `^docent: watch: (no server answers|a server can be reached, but the ensemble has no quorum) since .*\n$`, stderr.String())
		stderr.Reset()
		old.StepDown()
		w.Eventually(func() bool { return p.State() == session.Connected }, "it is back")
		time.Sleep(time.Second)
		synctest.Wait()
		require.Regexp(w, `^docent: watch: ZooKeeper answers again, after \d+s\n$`, stderr.String())
		cancel()
		require.NoError(w, <-done)
	})
}
