//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// onceJob is the beginning of a command line.
func onceJob(flags string, cmd ...string) []string {
	return words("once /jobs/report --every 10m "+flags, self(cmd...)...)
}

func TestOnce_runsOncePerInterval(t *testing.T) {
	server := zktest.New(t)
	for _, code := range []int{0, 3} {
		got, _, stderr := docent(t, onceJob("", strconv.Itoa(code)), on(server), role("exit"))
		require.Equal(t, code, got)
		require.Empty(t, stderr)
		for range 2 {
			got, out, stderr := docent(t, onceJob("", "5"), on(server), role("exit"))
			require.Zero(t, got, "another replica, in the same interval")
			require.Empty(t, out+stderr, "cron mails what is printed")
		}
		server.StepClock(9 * time.Minute)
	}
	require.Empty(t, server.Sessions(), "nothing is left behind")
	code, _, _ := docent(t, onceJob("--slack 30s", "5"), on(server), role("exit"))
	require.Zero(t, code, "9 minutes are less than 10 less 30 seconds")
	code, _, _ = docent(t, onceJob("--slack 1m", "5"), on(server), role("exit"))
	require.Equal(t, 5, code)
}

// On request, docent says why CMD does not run.
func TestOnce_tellsWhyItDoesNotRun(t *testing.T) {
	server := zktest.New(t)
	for cmd, c := range map[string]struct{ state, text string }{
		"0": {"done", `ran it at [0-9:]+`}, "1": {"failed", `ran it at [0-9:]+ and failed`},
	} {
		docent(t, onceJob("", cmd), on(server), role("exit"))
		code, out, stderr := docent(t, onceJob("--verbose", "5"), on(server), role("exit"))
		require.Zero(t, code)
		require.Empty(t, out)
		require.Regexp(t, fmt.Sprintf(`(?m)^docent: once /jobs/report: not due: \S+ \(pid %d on \S+\) %s; due again at [0-9 :-]+$`,
			os.Getpid(), c.text), stderr)
		code, out, stderr = docent(t, onceJob("--json --skipped-code 75", "5"), on(server), role("exit"))
		require.Equal(t, 75, code)
		require.Empty(t, stderr)
		var why map[string]any
		require.NoError(t, json.Unmarshal([]byte(out), &why))
		require.Equal(t, "/jobs/report", why["path"])
		require.Equal(t, false, why["ran"])
		require.Equal(t, c.state, why["state"])
		require.Equal(t, float64(os.Getpid()), why["pid"])
		for _, at := range []string{"called", "began", "ended", "dueAgain"} {
			_, err := time.Parse(time.RFC3339Nano, why[at].(string))
			require.NoError(t, err, at)
		}
		server.StepClock(10 * time.Minute)
	}
}

func TestOnce_tellsTokenAndInterval(t *testing.T) {
	server := zktest.New(t)
	var last int64
	for range 2 {
		code, out, _ := docent(t, onceJob(""), on(server), role("once"))
		require.Zero(t, code)
		fields := strings.Fields(out)
		require.Equal(t, "/jobs/report", fields[0])
		token, err := strconv.ParseInt(fields[1], 10, 64)
		require.NoError(t, err)
		require.Greater(t, token, last)
		last = token
		_, err = time.Parse(time.RFC3339Nano, fields[2])
		require.NoError(t, err)
		require.Regexp(t, regexp.MustCompile("^0x[0-9a-f]+$"), fields[3])
		server.StepClock(10 * time.Minute)
	}
}

func TestOnce_underWay(t *testing.T) {
	server := zktest.New(t)
	running := start(t, onceJob(""), on(server), role("signals"))
	require.Contains(t, running.line(), "ready")
	for _, flags := range []string{"", "--wait 50ms"} {
		code, out, stderr := docent(t, onceJob("--verbose "+flags, "5"), on(server), role("exit"))
		require.Zero(t, code)
		require.Empty(t, out)
		require.Contains(t, stderr, ") has been running it since ")
	}
	again := start(t, onceJob("--wait 1m --again failed", "5"), on(server), role("exit"))
	never := start(t, onceJob("--wait 1m --skipped-code 9", "5"), on(server), role("exit"))
	given := start(t, onceJob("--wait 1m", "5"), on(server), role("exit"))
	awaitEphemerals(t, server, 4)
	given.kill(syscall.SIGTERM)
	code, _ := given.wait()
	require.Equal(t, 143, code)
	require.Equal(t, "docent: once /jobs/report: interrupted by signal 15 (terminated)\n", given.stderr.String())
	running.kill(syscall.SIGTERM)
	code, rest := running.wait()
	require.Equal(t, 7, code)
	require.Equal(t, []string{"terminated"}, rest)
	code, _ = again.wait()
	require.Equal(t, 5, code, "the run has failed, and is replaced")
	code, _ = never.wait()
	require.Equal(t, 9, code)
}

// kill -9: the next call of the interval runs CMD again if it says so.
func TestOnce_killed(t *testing.T) {
	server := zktest.New(t, zktest.Tick(100*ms), zktest.SessionTimeouts(400*ms, time.Minute))
	await := countCreates(t, server, "/jobs/report")
	addr, err := server.Listen("127.0.0.1:0")
	require.NoError(t, err)
	killed := startProcess(t, addr, "signals", onceJob("--timeout 400ms")...)
	require.Contains(t, killed.line(), "ready")
	waits := start(t, onceJob("--wait 1m --again lost", "5"), on(server), role("exit"))
	await(2)
	require.NoError(t, killed.Process.Kill())
	code, _ := waits.wait()
	require.Equal(t, 5, code)
	killed.wait()
	code, _, _ = docent(t, onceJob("--again lost", "5"), on(server), role("exit"))
	require.Zero(t, code, "the run that replaced it was not lost")
}

func TestOnce_holdLost(t *testing.T) {
	server := zktest.New(t)
	d := start(t, onceJob(""), on(server), role("signals"))
	require.Contains(t, d.line(), "ready")
	server.Expire(only(t, server))
	code, rest := d.wait()
	require.Equal(t, 79, code)
	require.Contains(t, rest, "terminated")
	require.Contains(t, d.stderr.String(), "docent: once /jobs/report: the hold was lost while CMD ran: ")
	code, _, stderr := docent(t, onceJob("--verbose", "5"), on(server), role("exit"))
	require.Zero(t, code, "at most once")
	require.Contains(t, stderr, " and was lost; due again at ")
	code, _, _ = docent(t, onceJob("--again lost", "5"), on(server), role("exit"))
	require.Equal(t, 5, code)
}

func TestOnce_refusals(t *testing.T) {
	server := zktest.New(t)
	require.NoError(t, server.Put("/jobs/key", []byte("x")))
	for _, c := range []struct {
		line, says string
		code       int
	}{
		{"once /j -- true", "--every is missing; write docent once PATH --every 10m -- CMD", 2},
		{"once /j --every 0s -- true", "once: --every 0s is too short; give a time such as 10m", 2},
		{"once /j --every 10m --slack 10m -- true", "once: --slack 10m0s is out of range; give a time from 0 to less than --every 10m0s", 2},
		{"once /j --every 10m --slack=-1s -- true", "once: --slack -1s is negative; give a time such as 30s", 2},
		{"once /j --every 10m --wait=-1s -- true", "once: --wait -1s is negative", 2},
		{"once /j --every 10m --grace=-1s -- true", "once: --grace -1s is negative", 2},
		{"once /j --every 10m --skipped-code 256 -- true", "once: --skipped-code 256 is not an exit code", 2},
		{"once /j --every 10m --again always -- true", `once: --again "always" is unknown; use never, lost or failed`, 2},
		{"once j --every 10m -- true", `once j: invalid path "j"`, 2},
		{"once /j --every 10m -- docent-no-such-command", "was not found", 127},
		{"once /jobs/key --every 10m -- true",
			"docent: once /jobs/key: the znode belongs to another recipe or program: " +
				"it is not the record of a job that runs once per interval, which needs a path of its own; check the path (see \"docent inspect\")\n", 1},
	} {
		code, _, stderr := docent(t, words(c.line), on(server))
		require.Equal(t, c.code, code, c.line)
		require.Contains(t, stderr, c.says)
		require.Equal(t, 1, strings.Count(stderr, "\n"))
	}
	node, _ := server.Node("/jobs/key")
	require.Equal(t, "x", string(node.Data))
	require.Empty(t, node.Children)

	server.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op == zktest.OpMulti {
			return zktest.Fail(zktest.CodeNoAuth)
		}
		return zktest.Pass
	})
	code, _, stderr := docent(t, onceJob("", "5"), on(server), role("exit"))
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "docent: once /jobs/report: ")
	require.NotContains(t, stderr, session.ErrNoAuth.Error(), "it is worded")
}

func TestInspect_job(t *testing.T) {
	server := zktest.New(t)
	report := func() string {
		code, out, stderr := docent(t, words("inspect /jobs/report"), on(server))
		require.Zero(t, code, stderr)
		out = regexp.MustCompile(`\(pid \d+ on \S+\)`).ReplaceAllString(out, "(pid _)")
		return regexp.MustCompile(`\S+ \(pid _\)|\d+s|0x[0-9a-f]+|token \d+`).ReplaceAllString(out, "_")
	}
	require.NoError(t, server.Put("/jobs/report", []byte(`{"once":"never"}`)))
	require.Equal(t, "/jobs/report  job (docent)  has never run\n", report())
	running := start(t, onceJob(""), on(server), role("signals"))
	require.Contains(t, running.line(), "ready")
	require.Equal(t, "/jobs/report  job (docent)  run by _ for _, session _, _\n", report())
	running.kill(syscall.SIGTERM)
	running.wait()
	require.Equal(t, "/jobs/report  job (docent)  failed _ ago by _, begun _ ago\n", report())
	server.StepClock(10 * time.Minute)
	running = start(t, onceJob(""), on(server), role("signals"))
	require.Contains(t, running.line(), "ready")
	server.Expire(only(t, server))
	running.wait()
	require.Equal(t, "/jobs/report  job (docent)  lost: begun _ ago by _, whose session has ended\n", report())
}

// A run that waited, or that replaces another, serves an earlier call.
func TestOnce_notDueAfterARerun(t *testing.T) {
	called := time.Date(2030, time.May, 1, 3, 0, 0, 0, time.UTC)
	why := &lock.NotDueError{DueAgain: called.Add(12 * time.Hour)}
	why.Run.ID, why.Run.State, why.Run.Called, why.Run.Began = "a", lock.RunDone, called, called
	require.Equal(t, "not due: a ran it at 03:00:00; due again at 15:00:00", skippedText(why, called))
	why.Run.Began = called.Add(13 * time.Hour)
	require.Equal(t, "not due: a ran it at 16:00:00, for the call of 03:00:00; due again at 15:00:00", skippedText(why, called))
}
