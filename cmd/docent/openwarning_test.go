//go:build unix

package main

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

const openWarningEnd = " is given; give --acl creator (or DOCENT_ACL), or --acl open to silence this warning\n"

// Credentials without --acl leave new znodes open: a command that creates
// znodes says so once.
func TestOpenWarning(t *testing.T) {
	server := zktest.New(t)
	file := written(t, digestLine)
	warn := func(flag string) string {
		return "docent: warning: new znodes are open to everyone, although " + flag + openWarningEnd
	}
	for _, c := range []struct {
		args, stderr string
		env          []string
	}{
		{"counter add /c", "", nil},
		{"counter add /c --auth-file " + file, warn("--auth-file " + file), nil},
		{"counter add /c", warn("--auth (or DOCENT_AUTH)"), []string{"DOCENT_AUTH=" + digestLine}},
		{"counter add /c --acl open", "", []string{"DOCENT_AUTH=" + digestLine}},
		{"counter add /mine --acl creator --exposed ignore", "", []string{"DOCENT_AUTH=" + digestLine}},
		{"counter add /c", "", []string{"DOCENT_AUTH=" + digestLine, "DOCENT_ACL=open"}},
		{"counter add /mine --exposed ignore", "", []string{"DOCENT_AUTH=" + digestLine, "DOCENT_ACL=creator"}},
		{"counter add /c", warn("--auth (or DOCENT_AUTH)"), []string{"DOCENT_AUTH=" + digestLine, "DOCENT_ACL="}},
		{"counter get /c", "", []string{"DOCENT_AUTH=" + digestLine}},
		{"config set /k x --create", warn("--auth (or DOCENT_AUTH)"), []string{"DOCENT_AUTH=" + digestLine}},
		{"config set /k x", "", []string{"DOCENT_AUTH=" + digestLine}},
		{"config set /k x --keep 2", warn("--auth (or DOCENT_AUTH)"), []string{"DOCENT_AUTH=" + digestLine}},
		{"queue put /q x --exposed ignore", warn("--auth (or DOCENT_AUTH)"), []string{"DOCENT_AUTH=" + digestLine}},
		{"queue len /q", "", []string{"DOCENT_AUTH=" + digestLine}},
	} {
		code, _, stderr := docent(t, words(c.args), on(server), env(c.env...))
		require.Zero(t, code, "%s: %s", c.args, stderr)
		require.Equal(t, c.stderr, stderr, "%s %v", c.args, c.env)
	}
}

// Each way to have an identity is named. The warning comes before the session
// is opened, and wrong usage comes without it.
func TestOpenWarning_flags(t *testing.T) {
	warning := func(g globals) string { return g.openWarning() }
	require.Contains(t, warning(globals{SASLUser: "ann"}), "although --sasl-user is given")
	require.Contains(t, warning(globals{TLSCert: "c.pem"}), "although --tls-cert is given")
	require.Empty(t, warning(globals{TLSCert: "c.pem", ACL: "open"}))
	require.Empty(t, warning(globals{TLSCA: "ca.pem"}))

	code, _, stderr := docent(t, words("counter add c"), ann)
	require.Equal(t, 2, code)
	require.NotContains(t, stderr, "warning")
	code, _, stderr = docent(t, words("counter add /c --exposed reject"), ann)
	require.Equal(t, 2, code)
	require.Equal(t, "docent: --exposed reject: with --acl open every znode is open to everyone; give --acl creator too\n", stderr)
}

// Each command either creates no znode, or has the method that says so.
func TestOpenWarning_everyCommand(t *testing.T) {
	parser, err := kong.New(new(grammar), append(decoders(), kong.Name("docent"))...)
	require.NoError(t, err)
	for _, leaf := range parser.Model.Leaves(false) {
		line := strings.TrimPrefix(leaf.Path(), "docent ")
		reads := map[string]bool{
			"demo": true, "dev": true, "barrier lift": true, "barrier wait": true, "counter get": true, "config get": true, "config watch": true,
			"config delete": true, "config list": true, "config export": true, "config diff": true, "exec": true, "status": true, "complete-path": true, "revoke": true, "remove": true, "config sync": true, "config history": true, "queue len": true, "queue list": true,
			"queue dead list": true, "queue dead discard": true, "group list": true, "group watch": true, "service list": true,
			"service watch": true, "service pick": true, "service drain": true, "inspect": true, "acl check": true, "acl init": true, "ui": true,
			"completion": true, "man": true, "version": true,
		}
		_, creates := leaf.Target.Addr().Interface().(creator)
		require.NotEqual(t, reads[line], creates, "%s: a command either reads, or has the method creates", line)
	}
}
