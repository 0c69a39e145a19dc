//go:build unix

package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// rightsVerbs are the verbs that end, about znodes that another process uses.
var rightsVerbs = []string{
	"lock /a/b/lock --try -- true", "lock /a/b/rw --mode read --try -- true", "lock /a/b/rw --mode write --try -- true",
	"lock /a/b/sem --permits 3 --try -- true", "lock /a/b/one-node --mode one-node --try -- true", "once /a/b/job --every 10m -- true",
	"leader /a/b/election", "leader /a/b/election --transfer boss --wait 1m",
	"barrier wait /a/b/gate --wait 0s", "barrier set /a/b/gate", "barrier lift /a/b/gate", "barrier enter /a/b/double --count 1 --wait 1m -- true",
	"counter get /a/b/counter", "counter set /a/b/counter 7", "counter add /a/b/counter 7",
	"config get /a/b/config/limits", "config list /a/b/config", "config set /a/b/config/limits 1", "config delete /a/b/config/limits",
	"config history /a/b/config/limits", "queue put /a/b/queue x", "queue len /a/b/queue", "queue list /a/b/queue", "queue take /a/b/queue --wait 0",
	"queue dead list /a/b/queue", "queue dead redrive /a/b/queue", "group list /a/b/group", "group join /a/b/group m2",
	"service list --base /a/b/services orders", "service pick --base /a/b/services orders", "service register --base /a/b/services orders i2 10.0.0.2:80",
	"service drain --base /a/b/services orders i1", "inspect /a/b", "inspect --deadlocks --confirm 0s /a/b",
	"revoke /a/b/lock", "remove /a/b/lock",
}

// rightsRoles are the rights of a session on each znode of the recipes.
var rightsRoles = []struct {
	name  string
	perms int32
}{
	{"all rights", session.PermAll}, {"read alone", session.PermRead}, {"all but read", session.PermAll &^ session.PermRead},
	{"create alone", session.PermCreate}, {"none", 0},
}

// The page says how each verb ends with each set of rights. Servers since
// ZooKeeper 3.8.4 and 3.9.2 withhold the stat of a znode that the session may
// not read: no verb's exit code depends on that.
func TestFault38_CodesByRights(t *testing.T) {
	const begin, end = "<!-- codes: measured -->\n", "<!-- codes: end -->\n"
	page, err := os.ReadFile("../../docs/security.md")
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(page), begin)
	require.True(t, found)
	table, after, found := strings.Cut(rest, end)
	require.True(t, found)

	rows := make([]string, len(rightsVerbs))
	t.Run("verbs", func(t *testing.T) {
		for i, line := range rightsVerbs {
			if i%oneIn != 0 {
				continue
			}
			t.Run(line, func(t *testing.T) {
				t.Parallel()
				rows[i] = "| `" + strings.ReplaceAll(line, "/a/b/", "/") + "` |"
				for _, role := range rightsRoles {
					older := codeWith(t, line, role.perms)
					require.Equal(t, older, codeWith(t, line, role.perms, zktest.Version(zktest.V39)), "%s with %s", line, role.name)
					rows[i] += fmt.Sprintf(" %d |", older)
				}
				rows[i] += "\n"
			})
		}
	})
	if os.Getenv("DOCENT_UPDATE_RIGHTS") != "" {
		head, under := "| command |", "|---|"
		for _, role := range rightsRoles {
			head, under = head+" "+role.name+" |", under+"---|"
		}
		text := before + begin + head + "\n" + under + "\n" + strings.Join(rows, "") + end + after
		require.NoError(t, os.WriteFile("../../docs/security.md", []byte(text), 0o644))
		return
	}
	for _, row := range rows {
		require.Contains(t, table, row, "write the table with DOCENT_UPDATE_RIGHTS=1")
	}
	require.Equal(t, len(rows)+2, strings.Count(table, "\n"))
}

// codeWith returns the exit code of a command for a session that has only these
// rights.
func codeWith(t *testing.T, line string, perms int32, opts ...zktest.Option) int {
	t.Helper()
	w := newForeignWorld(t, opts...)
	for _, path := range w.server.Paths() {
		if path == "/a" || strings.HasPrefix(path, "/a/") {
			require.NoError(t, w.server.SetACL(path, zktest.ACL{Perms: perms, Scheme: "world", ID: "anyone"}))
		}
	}
	code, stderr := untilStanding(t, words(line), on(w.server), role("signals"))
	if code == exitFailure && perms != session.PermAll {
		require.Contains(t, stderr, "the ACL denies access", line)
	}
	return code
}
