//go:build unix

package main

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

func TestQueue_putAndTake(t *testing.T) {
	server := zktest.New(t)
	code, out, stderr := docent(t, words("queue put /q later --priority 5"), on(server))
	require.Zero(t, code, stderr)
	require.Equal(t, "0000000000\n", out)
	code, out, _ = docent(t, words("--json queue put /q - --priority=-1"), on(server), stdin("from\nstdin"))
	require.Zero(t, code)
	require.JSONEq(t, `{"path":"/q","id":"0000000001"}`, out)
	code, _, _ = docent(t, words("queue put /q much-later --delay 1h"), on(server))
	require.Zero(t, code)
	code, out, _ = docent(t, words("queue len /q"), on(server))
	require.Zero(t, code)
	require.Equal(t, "3\n", out)
	code, out, _ = docent(t, words("--json queue len /q"), on(server))
	require.Zero(t, code)
	require.JSONEq(t, `{"path":"/q","ready":2,"delayed":1,"claimed":0,"dead":0,"foreign":0}`, out)
	code, out, _ = docent(t, words("queue list /q"), on(server))
	require.Zero(t, code)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, 3)
	require.Equal(t, "0000000001\tpriority -1\tattempts 0\tready\t10 bytes", lines[0])
	require.Contains(t, lines[1], "due at ")

	code, out, _ = docent(t, words("queue take /q"), on(server))
	require.Zero(t, code)
	require.Equal(t, "from\nstdin", out, "byte for byte")
	code, out, _ = docent(t, words("--json queue take /q --wait 1m"), on(server))
	require.Zero(t, code)
	var item struct {
		ID       string
		Data     string
		Attempt  int
		Priority int
	}
	require.NoError(t, json.Unmarshal([]byte(out), &item))
	require.Equal(t, "later", item.Data)
	require.Equal(t, 1, item.Attempt)
	require.Equal(t, 5, item.Priority)
	for flags, line := range map[string]string{
		"--wait 0":    "docent: queue take /q: no item is ready; raise --wait, or leave it out to wait without limit\n",
		"--wait 50ms": "docent: queue take /q: no item was ready within 50ms; raise --wait, or try again later\n",
	} {
		code, out, stderr = docent(t, words("queue take /q "+flags), on(server))
		require.Equal(t, 75, code)
		require.Empty(t, out)
		require.Equal(t, line, stderr)
	}
	require.Empty(t, server.Sessions(), "nothing is left behind")
}

func TestQueue_takeRunsCommand(t *testing.T) {
	server := zktest.New(t)
	put := func(data string) {
		code, _, stderr := docent(t, words("queue put /q", data), on(server))
		require.Zero(t, code, stderr)
	}
	put("job")
	script := []string{"--", "sh", "-c", `echo "$DOCENT_PATH $DOCENT_ITEM $DOCENT_ATTEMPT $(cat)"; [ "$DOCENT_ATTEMPT" -ge 2 ] || exit 3`}
	code, out, stderr := docent(t, words("queue take /q", script...), on(server))
	require.Equal(t, 3, code)
	require.Equal(t, "/q 0000000000 1 job\n", out)
	require.Empty(t, stderr)
	code, out, _ = docent(t, words("queue take /q", script...), on(server))
	require.Zero(t, code)
	require.Equal(t, "/q 0000000000 2 job\n", out)
	code, _, _ = docent(t, words("queue take /q --wait 0", script...), on(server))
	require.Equal(t, 75, code)

	put("poison")
	for range 2 {
		code, _, _ = docent(t, words("queue take /q --max-attempts 2 --wait 1m", self("4")...), on(server), role("exit"))
		require.Equal(t, 4, code)
	}
	code, out, _ = docent(t, words("queue dead list /q"), on(server))
	require.Zero(t, code)
	require.Contains(t, out, "attempts 2")
	require.Contains(t, out, "not acknowledged in 2 attempts: CMD ended with code 4")
	code, out, _ = docent(t, words("--json queue dead list /q"), on(server))
	require.Zero(t, code)
	require.Contains(t, out, `"data":"poison"`)
	code, out, _ = docent(t, words("queue dead redrive /q"), on(server))
	require.Zero(t, code)
	require.Equal(t, "1\n", out)
	code, out, _ = docent(t, words("--json queue dead redrive /q"), on(server))
	require.Zero(t, code)
	require.JSONEq(t, `{"path":"/q","moved":0}`, out)
	code, _, _ = docent(t, words("queue take /q --retry 1h", self("4")...), on(server), role("exit"))
	require.Equal(t, 4, code)
	code, _, _ = docent(t, words("queue take /q --wait 0"), on(server))
	require.Equal(t, 75, code, "it is kept back")
}

func TestQueue_discard(t *testing.T) {
	server := zktest.New(t)
	code, _, stderr := docent(t, words("queue put /q unwanted"), on(server))
	require.Zero(t, code, stderr)
	code, _, _ = docent(t, words("queue take /q --max-attempts 1", self("4")...), on(server), role("exit"))
	require.Equal(t, 4, code)
	_, out, _ := docent(t, words("queue dead list /q"), on(server))
	id, _, _ := strings.Cut(out, "\t")
	code, out, stderr = docent(t, words("queue dead discard /q", id), on(server))
	require.Zero(t, code, stderr)
	require.Equal(t, "1\n", out)
	code, out, _ = docent(t, words("--json queue dead discard /q", id), on(server))
	require.Zero(t, code)
	require.JSONEq(t, `{"path":"/q","discarded":0}`, out, "it has gone already")
	code, _, stderr = docent(t, words("queue dead discard /q"), on(server))
	require.Equal(t, 2, code)
	require.Contains(t, stderr, "ID")
	code, _, stderr = docent(t, words("queue dead discard /q nonsense"), on(server))
	require.Equal(t, 2, code)
	require.Contains(t, stderr, `"nonsense" is not the ID of a dead letter`)
}

func TestQueue_claimLost(t *testing.T) {
	server := zktest.New(t)
	code, _, _ := docent(t, words("queue put /q job"), on(server))
	require.Zero(t, code)
	d := start(t, words("queue take /q", self()...), on(server), role("signals"))
	require.Contains(t, d.line(), "ready")
	code, out, _ := docent(t, words("queue list /q"), on(server))
	require.Zero(t, code)
	require.Contains(t, out, "claimed by ")
	server.Expire(server.Sessions()[0].ID)
	require.Equal(t, "terminated", d.line())
	code, _ = d.wait()
	require.Equal(t, 79, code)
	require.Contains(t, d.stderr.String(), "the hold was lost while CMD ran")
	code, out, _ = docent(t, words("queue take /q --wait 1m"), on(server))
	require.Zero(t, code)
	require.Equal(t, "job", out)
}

func TestQueue_interruptedWait(t *testing.T) {
	server := zktest.New(t)
	d := start(t, words("queue take /q"), on(server))
	awaitWatch(t, server)
	d.kill(syscall.SIGTERM)
	code, _ := d.wait()
	require.Equal(t, 143, code)
	require.Empty(t, server.Sessions())
}

func awaitWatch(t *testing.T, server *zktest.Server) {
	t.Helper()
	require.Eventually(t, func() bool { return server.Watches() > 0 }, patience, ms)
}

func TestQueue_usage(t *testing.T) {
	for line, want := range map[string]string{
		"queue put relative x":                             "relative",
		"queue put /q x --delay=-1s":                       "--delay -1s is negative",
		"queue put /q x --layout nope":                     `--layout "nope" is unknown`,
		"queue put /q x --items nope":                      "nope",
		"queue take /q --wait=-1s":                         "--wait -1s is negative",
		"queue take /q --grace=-1s -- true":                "--grace -1s is negative",
		"queue take /q --retry=-1s -- true":                "--retry -1s is negative",
		"queue take /q --max-attempts=-1":                  "--max-attempts -1 is too small",
		"queue take /q --retry 1s --layout simple -- true": "--retry needs --layout curator",
		"queue dead": "queue dead needs a verb: list, redrive or discard",
	} {
		code, _, stderr := docent(t, words(line), stdin(""))
		require.Equal(t, 2, code, line)
		require.Contains(t, stderr, want)
		require.Equal(t, 1, strings.Count(stderr, "\n"))
	}
	code, _, stderr := docent(t, words("queue put /q x --layout kazoo --priority 1000"))
	require.Equal(t, 2, code)
	require.Contains(t, stderr, "give 0 to 999")
	// Which names an item can have, only the queue knows.
	server := zktest.New(t)
	for _, line := range []string{
		"queue dead redrive /q nonsense.1f", "queue dead discard /q nonsense.1f",
		"queue dead discard /q --layout kazoo queue-0000000001.1f",
	} {
		code, _, stderr = docent(t, words(line), on(server))
		require.Equal(t, 2, code, line)
		require.Contains(t, stderr, `is not the ID of a dead letter; list the IDs with "docent queue dead list"`)
	}
}
