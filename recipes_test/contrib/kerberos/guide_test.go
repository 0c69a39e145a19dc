//go:build unix

package kerberos

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// section is the section on Kerberos in docs/security.md.
func section(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/security.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(text), "\n## Kerberos\n")
	require.True(t, found)
	rest, _, _ = strings.Cut(rest, "\n## ")
	return rest
}

// block returns the first block of a language.
func block(t *testing.T, text, language string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, "```"+language+"\n")
	require.True(t, found, language)
	block, _, ended := strings.Cut(rest, "```")
	require.True(t, ended, language)
	return block
}

// TestGuide runs the example of docs/security.md: the commands of the
// administrator, the server's files and the program.
func TestGuide(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	k := startKDC(t)
	here := strings.NewReplacer("zk1.example.com", "localhost", "EXAMPLE.COM", realm,
		"/etc/zookeeper/zookeeper.keytab", k.path("zookeeper.keytab"), "/etc/orders.keytab", k.path("orders.keytab"))
	text := here.Replace(section(t))
	for line := range strings.Lines(block(t, text, "sh")) {
		command, found := strings.CutPrefix(strings.TrimSpace(line), `kadmin -q "`)
		require.True(t, found, line)
		k.admin(strings.TrimSuffix(command, `"`))
	}
	opts := []ensemble.Option{ensemble.JVM(
		"-Djava.security.auth.login.config="+k.write("jaas.conf", block(t, text, "jaas")), "-Djava.security.krb5.conf="+k.conf())}
	for line := range strings.Lines(block(t, text, "properties")) {
		key, value, found := strings.Cut(strings.TrimSpace(line), "=")
		require.True(t, found, line)
		opts = append(opts, ensemble.Config(key, value))
	}
	w := &world{T: t, kdc: k, zk: ensemble.Start(t, 1, opts...)}
	program := strings.ReplaceAll(block(t, text, "go"), "localhost:2181", w.addr())
	require.Contains(t, program, w.addr())
	require.Contains(t, program, k.path("orders.keytab"))
	cmd := ensemble.Exec(t, []string{"KRB5_CONFIG=" + k.conf(), "GOWORK=off"}, "go", "run", k.write("main.go", program))
	require.Zero(t, cmd.Wait(patience), cmd.Stderr())
	require.Contains(t, cmd.Stdout(), "holds the lock, which only orders@"+realm+" may read")
}
