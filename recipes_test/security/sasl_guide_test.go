package security

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// guideBlock returns the only block of a language in the section on SASL.
func guideBlock(t *testing.T, language string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/security.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "\n## Logins by SASL\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	parts := strings.Split(section, "```"+language+"\n")
	require.Len(t, parts, 2, language)
	block, _, ended := strings.Cut(parts[1], "```")
	require.True(t, ended)
	return block
}

// TestSASLGuide runs the example of docs/security.md: the server's files, the
// program and the command.
func TestSASLGuide(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	opts := []ensemble.Option{ensemble.JVM("-Djava.security.auth.login.config=" + write("jaas.conf", guideBlock(t, "jaas")))}
	for line := range strings.Lines(guideBlock(t, "properties")) {
		key, value, found := strings.Cut(strings.TrimSpace(line), "=")
		require.True(t, found, line)
		opts = append(opts, ensemble.Config(key, value))
	}
	addr := ensemble.Start(t, 1, opts...).Server(0).Addr()
	here := func(text string) string {
		require.Contains(t, text, "zk1:2181")
		return strings.ReplaceAll(text, "zk1:2181", addr)
	}
	const password = "orders-password"

	program := write("main.go", here(guideBlock(t, "go")))
	for given, want := range map[string]int{password: 0, "guess": 1} {
		cmd := ensemble.Exec(t, []string{"ORDERS_PASSWORD=" + given}, "go", "run", program)
		require.Equal(t, want, cmd.Wait(patience), cmd.Stderr())
		require.Equal(t, want == 0, strings.Contains(cmd.Stdout(), "holds the lock"))
	}

	line := here(strings.ReplaceAll(guideBlock(t, "sh"), "/run/secrets/orders", write("password", password+"\n")))
	words := strings.Fields(line)
	require.Equal(t, "docent", words[0])
	cmd := ensemble.Run(t, nil, words[1:]...)
	require.Zero(t, cmd.Wait(patience), cmd.Stderr())
	cmd = ensemble.Run(t, nil, "--servers", addr, "config", "get", "/orders/lock")
	require.Equal(t, 1, cmd.Wait(patience))
	require.Contains(t, cmd.Stderr(), "-124")
}
