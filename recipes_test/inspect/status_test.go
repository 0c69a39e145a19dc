//go:build unix

package inspect

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// status runs docent status, and returns its exit code and its output.
func (w *world) status(flags ...string) (code int, out, stderr string) {
	w.Helper()
	cmd := ensemble.Run(w, nil, append([]string{"status", "--servers", strings.Join(w.Addrs(), ","), "--connect-timeout", "5s"}, flags...)...)
	code = cmd.Wait(patience)
	w.Logf("docent status %s: code %d\n%s%s", strings.Join(flags, " "), code, cmd.Stdout(), cmd.Stderr())
	return code, cmd.Stdout(), cmd.Stderr()
}

// docent status is true while servers are stopped, killed, and without a quorum.
func TestStatus(t *testing.T) {
	w := inWorld(t)
	code, out, stderr := w.status()
	require.Zero(t, code, stderr)
	require.Empty(t, stderr)
	require.Contains(t, out, "quorum    yes, confirmed at ")
	require.Equal(t, 1, strings.Count(out, "  leader, ZooKeeper 3."), out)
	require.Equal(t, 2, strings.Count(out, "  follower, ZooKeeper 3."), out)
	require.Contains(t, out, "rights    read, create and delete on /\n")
	code, out, _ = w.status("--json")
	require.Zero(t, code)
	var j struct {
		Quorum  bool `json:"quorum"`
		Servers []struct {
			Serves      bool `json:"serves"`
			Connections *int `json:"connections"`
		} `json:"servers"`
	}
	require.NoError(t, json.Unmarshal([]byte(out), &j))
	require.True(t, j.Quorum)
	require.Len(t, j.Servers, 3)
	require.NotNil(t, j.Servers[0].Connections)

	followers := w.Followers()
	stopped, other := followers[0], followers[1]
	stopped.Pause()
	code, out, stderr = w.status()
	require.Equal(t, 1, code)
	require.Contains(t, out, "quorum    yes")
	require.Contains(t, out, stopped.Addr()+"  does not serve: it accepts connections and does not answer\n")
	require.Contains(t, stderr, "docent: status: 1 of 3 servers does not serve: "+stopped.Addr())
	stopped.Resume()
	require.NoError(t, w.WaitQuorum(w.within(patience)))

	other.Kill()
	code, out, _ = w.status()
	require.Equal(t, 1, code)
	require.Contains(t, out, "quorum    yes")
	require.Contains(t, out, other.Addr()+"  does not serve: no connection (")

	stopped.Kill()
	require.Eventually(t, func() bool { // until the leader has noticed
		code, out, stderr = w.status()
		return code == 69 && strings.Contains(out, "not part of a quorum")
	}, patience, time.Second)
	require.Contains(t, out, "quorum    no answer\n")
	require.Contains(t, stderr, "no quorum has answered within 5s, although a server can be reached; check --servers")

}
