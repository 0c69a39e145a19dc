package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// runIn runs a command line in virtual time.
func runIn(w *testworld.World, link *zktest.Link, line string) (code int, stderr string) {
	var out, errs bytes.Buffer
	code = run(w.Context(), world{
		args: append([]string{"--servers", "zk1"}, strings.Fields(line)...), stdout: &out, stderr: &errs, dial: link.DialContext,
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
		{"lock /l --wait 6s -- true", held, time.Hour, exitNotAcquired, `^docent: lock /l: held by \S+ \(pid .*\) since \S+: not acquired within 6s`},
		{"barrier wait /g --wait 6s", func(w *testworld.World) { w.Put("/g", "") }, time.Hour, exitNotAcquired,
			`^docent: barrier wait /g: the gate is set: not through`},
		{"queue take /q --wait 6s", nil, time.Hour, exitNotAcquired, `^docent: queue take /q: nothing came within 6s`},
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

// held has another process hold the lock, over whatever becomes of the quorum.
func held(w *testworld.World) {
	p := w.Process(func(cfg *session.Config) { cfg.Timeout = time.Minute })
	_, err := lock.New(p.Manager, "/l").Lock(w.Context())
	require.NoError(w, err)
}
