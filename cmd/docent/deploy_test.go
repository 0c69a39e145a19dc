package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Every docent that a manifest of Kubernetes starts is one that docent accepts.
// The manifests write a command as a list in brackets.
func TestDeploy_manifestsParse(t *testing.T) {
	files, err := filepath.Glob("../../deploy/kubernetes/*.yaml")
	require.NoError(t, err)
	started := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		commands := regexp.MustCompile(`(?s)command: (\[.*?\])\n`).FindAllStringSubmatch(string(text), -1)
		require.Len(t, commands, strings.Count(string(text), "command:"), "%s has a command in another form", file)
		for _, match := range commands {
			var command []string
			require.NoError(t, json.Unmarshal([]byte(match[1]), &command), "%s: %s", file, match[1])
			require.Equal(t, "docent", filepath.Base(command[0]), file)
			require.NoError(t, parsed(command[1:], false), "%s: %q", file, command)
			started++
		}
	}
	require.Equal(t, 4, started)
}

// settings returns the assignments of a file of systemd. A key that occurs again
// replaces the one before.
func settings(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	all := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			all[key] = value
		}
	}
	return all
}

// The unit of systemd starts a docent elect that docent accepts, with the
// settings of the example, and leaves it the time to end.
func TestDeploy_unitAgreesWithElect(t *testing.T) {
	unit := settings(t, "../../deploy/systemd/docent-elect@.service")
	example := settings(t, "../../deploy/systemd/elect.env")
	line := regexp.MustCompile(`\$\{?(\w+)\}?`).ReplaceAllStringFunc(unit["ExecStart"], func(name string) string {
		value, ok := example[strings.Trim(name, "${}")]
		require.True(t, ok, "the example does not set %s", name)
		return value
	})
	line, isDocent := strings.CutPrefix(line, "/usr/bin/")
	require.True(t, isDocent)
	commands := typedLines(line)
	require.Len(t, commands, 1)
	require.Contains(t, commands[0], "/usr/local/bin/scheduler")

	var cli grammar
	_, err := parse(&cli, &environment{args: commands[0]})
	require.NoError(t, err)
	stop, err := time.ParseDuration(unit["TimeoutStopSec"])
	require.NoError(t, err)
	require.GreaterOrEqual(t, stop, cli.Elect.Grace+cli.ConnectTimeout, "systemd kills docent before it has resigned")
	require.Equal(t, "mixed", unit["KillMode"], "docent passes the signal on: CMD must not get it twice")
	require.Equal(t, "130 143", unit["SuccessExitStatus"], "elect ends with 128 and the signal's number")
	require.Equal(t, "2 126 127", unit["RestartPreventExitStatus"], "what another attempt does not mend")
	for name := range example {
		if strings.HasPrefix(name, "DOCENT_") {
			require.Contains(t, strings.Join(knownVariables(), " "), name)
		}
	}
}

// knownVariables are those that set a flag.
func knownVariables() (names []string) {
	for _, name := range variables {
		names = append(names, name)
	}
	return names
}
