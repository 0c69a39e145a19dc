//go:build unix

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// saslUsers are the users that can log in, with their passwords.
var saslUsers = map[string]string{"ann": secret, "bob": "bobs-password"}

var annsPassword = env("DOCENT_SASL_PASSWORD=" + secret)

// written returns the name of a file with a text.
func written(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// The password comes from a variable or from a file. What the login creates
// with --acl creator is its own.
func TestSASL(t *testing.T) {
	for name, opts := range map[string][]zktest.Option{
		"taken": {zktest.SASL(saslUsers)}, "required": {zktest.SASL(saslUsers), zktest.RequireSASL()},
	} {
		t.Run(name, func(t *testing.T) {
			server := zktest.New(t, opts...)
			run := func(args string, settings ...setting) (int, string, string) {
				t.Helper()
				code, out, stderr := docent(t, words(args), append(settings, on(server))...)
				require.False(t, shows(out+stderr), out+stderr)
				return code, out, stderr
			}
			code, _, stderr := run("--sasl-user ann --acl creator -v config set /a/c x --create", annsPassword)
			require.Zero(t, code, stderr)
			node, found := server.Node("/a/c")
			require.True(t, found)
			require.Equal(t, []zktest.ACL{{Perms: 31, Scheme: "sasl", ID: "ann"}}, node.ACL)
			for _, end := range []string{"", "\n", "\r\n"} {
				code, out, stderr := run("--sasl-user ann --sasl-password-file " + written(t, secret+end) + " config get /a/c")
				require.Zero(t, code, stderr)
				require.Equal(t, "x", out)
			}
			code, _, stderr = run("config get /a/c", env("DOCENT_SASL_USER=ann"), annsPassword)
			require.Zero(t, code, stderr)
			file := written(t, secret)
			code, _, stderr = run("--sasl-user ann --sasl-password-file "+file+" config get /a/c", env("DOCENT_SASL_PASSWORD=wrong"))
			require.Zero(t, code, "a flag counts more than a variable: %s", stderr)
			code, _, stderr = run("--sasl-user bob config get /a/c", env("DOCENT_SASL_PASSWORD="+saslUsers["bob"]))
			require.Equal(t, 1, code)
			require.Contains(t, stderr, "docent: config get /a/c: the ACL denies access")
		})
	}
}

// A refused login is one line that says what to check, at once.
func TestSASL_refused(t *testing.T) {
	for name, opts := range map[string][]zktest.Option{
		"taken": {zktest.SASL(saslUsers)}, "required": {zktest.SASL(saslUsers), zktest.RequireSASL()},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, stderr := docent(t, words("--connect-timeout 1h --sasl-user bob config get /a"), on(zktest.New(t, opts...)), annsPassword)
			require.Equal(t, 1, code)
			require.Empty(t, out)
			require.Equal(t, "docent: config get /a: connect to ZooKeeper: the server rejects the credentials (SASL with DIGEST-MD5): "+
				"check the user's name, the password, and the Server section of the server's JAAS file; "+
				"check --sasl-user, and --sasl-password-file or DOCENT_SASL_PASSWORD\n", stderr)
		})
	}
	t.Run("without a login", func(t *testing.T) {
		server := zktest.New(t, zktest.SASL(saslUsers), zktest.RequireSASL())
		code, _, stderr := docent(t, words("config get /a"), on(server))
		require.Equal(t, 1, code)
		require.Equal(t, "docent: config get /a: the server serves only clients that have authenticated "+
			"(SESSIONCLOSEDREQUIRESASLAUTH, -124); give --sasl-user, or credentials of a scheme in the server's "+
			"enforce.auth.schemes with --auth or --tls-cert\n", stderr)
	})
	t.Run("a server without SASL", func(t *testing.T) {
		code, _, stderr := docent(t, words("--connect-timeout 1h --sasl-user ann config get /a"), on(zktest.New(t)), annsPassword)
		require.Equal(t, 1, code)
		require.Contains(t, stderr, "the server has no SASL; add a Server section to its JAAS file")
		require.False(t, shows(stderr), stderr)
	})
}

func TestSASL_usage(t *testing.T) {
	for _, c := range []struct {
		args, line string
		settings   []setting
	}{
		{"--sasl-user ann", "--sasl-user: the password is missing; give --sasl-password-file, or set DOCENT_SASL_PASSWORD", nil},
		{"--sasl-user ann --sasl-password-file " + written(t, "\n"), "--sasl-user: the password is missing; give --sasl-password-file, or set DOCENT_SASL_PASSWORD", nil},
		{"--sasl-user ann --sasl-password-file " + written(t, secret+"\n\n"), "--sasl-user, --sasl-password-file: DIGEST-MD5: the password contains a control character, such as a line break", nil},
		{"--sasl-user ann --sasl-password-file /nowhere", "--sasl-password-file: open /nowhere: no such file or directory", nil},
		{"--sasl-password-file /nowhere", "--sasl-password-file (or DOCENT_SASL_PASSWORD_FILE): the user is missing; give --sasl-user", nil},
		{"", "DOCENT_SASL_PASSWORD: the user is missing; give --sasl-user, or unset the variable", []setting{annsPassword}},
		{"--sasl-user ann", "--sasl-user, DOCENT_SASL_PASSWORD: DIGEST-MD5: the password is not valid UTF-8",
			[]setting{env("DOCENT_SASL_PASSWORD=" + secret + "\xff")}},
		{"--sasl-user=", "--sasl-user: the value is empty; give one, or leave the flag out", nil},
		{"--sasl-password " + secret, "unknown flag --sasl-password; did you mean", nil},
	} {
		code, out, stderr := docent(t, words(c.args+" config get /a"), c.settings...)
		require.Equal(t, 2, code, c.args)
		require.Empty(t, out)
		require.Contains(t, stderr, "docent: "+c.line, c.args)
		require.False(t, shows(stderr), stderr)
	}
}

func TestSASL_help(t *testing.T) {
	code, out, _ := docent(t, words("lock --help"))
	require.Zero(t, code)
	for _, part := range []string{"--sasl-user=NAME", "--sasl-password-file=FILE", "DOCENT_SASL_USER", "DOCENT_SASL_PASSWORD"} {
		require.Contains(t, out, part)
	}
}
