package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// runIn runs a command line in virtual time.
func runIn(w *testworld.World, link *zktest.Link, line string) (code int, stderr string) {
	return runThrough(w, line, link.DialContext)
}

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

func runThrough(w *testworld.World, line string, dial dialer) (code int, stderr string) {
	var out, errs bytes.Buffer
	code = run(w.Context(), environment{
		args: append([]string{"--servers", "zk1"}, strings.Fields(line)...), stdout: &out, stderr: &errs, dial: dial,
		notify: func(...os.Signal) (<-chan os.Signal, func()) { return nil, func() {} },
	})
	return code, errs.String()
}

// A wait that comes to nothing because no quorum answers says so, unless it is
// known what it waited for.
func TestFault31_AWaitWithoutAQuorum(t *testing.T) {
	for _, c := range []struct {
		line   string
		before func(w *testworld.World)
		lost   time.Duration // when the quorum goes
		code   int
		says   string
	}{
		{"lock /l --wait 6s -- true", nil, 150 * time.Millisecond, exitUnreachable, `^docent: lock /l: ZooKeeper has not answered since `},
		{"lock /l --wait 60s -- true", nil, 150 * time.Millisecond, exitUnreachable, `^docent: lock /l: ZooKeeper has not answered since `},
		{"queue take /q --wait 6s", nil, 150 * time.Millisecond, exitUnreachable, `^docent: queue take /q: ZooKeeper has not answered since `},
		{"barrier enter /b --count 2 --wait 6s -- true", nil, 150 * time.Millisecond, exitUnreachable, `^docent: barrier enter /b: ZooKeeper has not answered since `},
		{"barrier wait /g --wait 6s", func(w *testworld.World) { w.Put("/g", "") }, 3 * time.Second, exitNotAcquired,
			`^docent: barrier wait /g: the gate is set when ZooKeeper answered last \(now .*\): not through within 6s`},
		{"lock /l --wait 6s -- true", held, 3 * time.Second, exitNotAcquired,
			`^docent: lock /l: held .* when ZooKeeper answered last \(now .*\): not acquired within 6s`},
		{"lock /l --wait 6s -- true", held, time.Hour, exitNotAcquired, `^docent: lock /l: held by \S+ \(pid .*\), queued at \S+: not acquired within 6s`},
		{"barrier wait /g --wait 6s", func(w *testworld.World) { w.Put("/g", "") }, time.Hour, exitNotAcquired,
			`^docent: barrier wait /g: the gate is set: not through`},
		{"leader /e --transfer b --wait 6s", campaigning, 150 * time.Millisecond, exitUnreachable,
			`^docent: leader /e: transfer to "b": ZooKeeper has not answered since `},
		{"leader /e --transfer b --wait 6s", campaigning, time.Hour, exitNotAcquired,
			`^docent: leader /e: transfer to "b": the present leader has not resigned within 6s`},
		{"queue take /q --wait 6s", nil, time.Hour, exitNotAcquired, `^docent: queue take /q: no item was ready within 6s`},
	} {
		t.Run(c.line+" "+c.lost.String(), func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				if c.before != nil {
					c.before(w)
				}
				w.Srv.SlowQuorum(100 * time.Millisecond)
				lose := time.AfterFunc(c.lost, func() { w.Srv.LoseQuorum(true) })
				code, stderr := runIn(w, w.Srv.Link(), c.line)
				lose.Stop()
				w.Srv.LoseQuorum(false)
				w.Srv.SlowQuorum(0)
				require.Regexp(w, c.says, stderr)
				require.Equal(w, c.code, code)
			})
		})
	}
}

// campaigning has a lead, whatever others request, and b wait after it.
func campaigning(w *testworld.World) {
	for _, id := range []string{"a", "b"} {
		p := w.Process(func(cfg *session.Config) { cfg.Timeout = time.Minute })
		testworld.Go(w, election.New(p.Manager, "/e", election.ID(id)).Campaign)
		synctest.Wait()
	}
}

// held has another process hold the lock, over whatever becomes of the quorum.
func held(w *testworld.World) {
	p := w.Process(func(cfg *session.Config) { cfg.Timeout = time.Minute })
	_, err := lock.NewMutex(p.Manager, "/l").Lock(w.Context())
	require.NoError(w, err)
}

// hangsUp dials a server that accepts connections and closes them, as a server
// without a quorum does.
func hangsUp() (net.Conn, error) {
	ours, theirs := net.Pipe()
	go func() {
		_, _ = theirs.Read(make([]byte, 1024)) // the handshake
		_ = theirs.Close()
	}()
	return ours, nil
}

// The only server that answers has no quorum: it can be reached all the same.
func TestFault31_AServerWithoutAQuorumCanBeReached(t *testing.T) {
	const says = ": no answer within 10s: a server can be reached, but the ensemble has no quorum " +
		"(handshake with zk1:2181: the server closed the connection); check that a majority of the servers runs, or raise --connect-timeout\n"
	for _, line := range []string{"lock /l -- true", "counter get /c", "group list /g", "config watch /k", "inspect /"} {
		testworld.Run(t, func(w *testworld.World) {
			code, stderr := runThrough(w, line, func(context.Context, string, string) (net.Conn, error) { return hangsUp() })
			require.True(w, strings.HasSuffix(stderr, "connect to zk1"+says), stderr)
			require.Equal(w, exitUnreachable, code)
		})
	}
	testworld.Run(t, func(w *testworld.World) { // it goes after the session was opened
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpGetChildren2 {
				return zktest.DropRequest.Silent()
			}
			return zktest.Pass
		})
		link := w.Srv.Link()
		var gone atomic.Bool
		time.AfterFunc(150*time.Millisecond, func() { gone.Store(true); link.Disconnect() })
		code, stderr := runThrough(w, "group list /g", func(ctx context.Context, network, addr string) (net.Conn, error) {
			if gone.Load() {
				return hangsUp()
			}
			return link.DialContext(ctx, network, addr)
		})
		require.True(w, strings.HasSuffix(stderr, "connect to zk1"+says), stderr)
		require.Equal(w, exitUnreachable, code)
	})
}

func TestMessagesOfWrongNodes(t *testing.T) {
	for _, c := range []struct {
		line string
		code int
		says string
	}{
		{"group join /g a/b", 2, `docent: group join /g a/b: invalid name "a/b": a name must not contain /; ` +
			`give the name of one znode, such as host-1, without a slash`},
		{"counter add /x", 1, `docent: counter add /x: the znode does not hold a number of this layout: `},
		{"counter get /x", 1, `docent: counter get /x: the znode does not hold a number of this layout: `},
	} {
		testworld.Run(t, func(w *testworld.World) {
			w.Put("/x", "words")
			code, stderr := runIn(w, w.Srv.Link(), c.line)
			require.True(w, strings.HasPrefix(stderr, c.says), stderr)
			require.Equal(w, c.code, code)
		})
	}
}
