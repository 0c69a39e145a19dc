//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// playEnviron prints the variables of docent that CMD has, in order.
func playEnviron() {
	var mine []string
	for _, entry := range os.Environ() {
		if key, _, _ := strings.Cut(entry, "="); strings.HasPrefix(key, "DOCENT_") && !strings.HasPrefix(key, roleVar) {
			mine = append(mine, entry)
		}
	}
	slices.Sort(mine)
	fmt.Println(strings.Join(mine, " "))
}

// cmdVerbs are the commands that run a CMD. FILE is a file in a fresh
// directory.
var cmdVerbs = []string{
	"lock /v/l", "lock /v/one --mode one-node", "once /v/job --every 1h", "elect /v/e --once", "barrier enter /v/b --count 1", "queue take /v/q",
	"config sync /v/key FILE",
}

// No credential is in the environment of CMD, unless the user says so. Files
// are named to it: it has the rights of docent to read them.
func TestFault48_CMDGetsNoCredential(t *testing.T) {
	users := map[string]string{"ann": secret}
	file := written(t, secret)
	secrets := []string{"DOCENT_AUTH=digest:ann:" + secret, "DOCENT_SASL_PASSWORD=" + secret, "DOCENT_UI_TOKEN=" + secret}
	others := []string{"DOCENT_SASL_USER=ann", "DOCENT_SASL_PASSWORD_FILE=" + file, "DOCENT_TLS_SERVER_NAME="}
	for i, verb := range cmdVerbs {
		if i%oneIn != 0 {
			continue
		}
		for _, pass := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, pass %v", verb, pass), func(t *testing.T) {
				server := zktest.New(t, zktest.SASL(users))
				require.NoError(t, server.Put("/v/key", []byte("value")))
				code, _, stderr := docent(t, words("queue put /v/q item"), on(server))
				require.Zero(t, code, stderr)
				line := strings.Replace(verb, "FILE", filepath.Join(t.TempDir(), "f"), 1)
				if pass {
					line += " --pass-auth"
				}
				// The last entry of a variable counts; no entry is left.
				run := start(t, words(line, self()...), on(server), role("environ"), env("DOCENT_AUTH=digest:ann:other"), env(secrets...), env(others...))
				got := run.line()
				for !strings.Contains(got, "DOCENT_PATH") { // of config sync itself
					got = run.line()
				}
				if strings.HasPrefix(line, "config sync") {
					run.kill(syscall.SIGTERM)
				}
				code, rest := run.wait()
				require.Zero(t, code, run.stderr)
				require.Empty(t, rest)
				for _, entry := range secrets {
					require.Equal(t, pass, strings.Contains(got, entry), got)
				}
				require.Equal(t, pass, shows(got), got)
				for _, entry := range others {
					require.Contains(t, got, entry)
				}
			})
		}
	}
}

// Every variable is a secret, names a file, or says nothing that matters.
func TestFault48_EveryVariableIsJudged(t *testing.T) {
	harmless := []string{"DOCENT_SERVERS", "DOCENT_ACL", "DOCENT_SASL_USER", "DOCENT_TLS", "DOCENT_TLS_SERVER_NAME"}
	for _, name := range variables {
		require.Contains(t, slices.Concat(secretVariables, fileVariables, harmless), name)
	}
}

// A descriptor with the credentials is not CMD's either, and the variable that
// names it would lead CMD astray.
func TestFault48_CMDGetsNoDescriptor(t *testing.T) {
	_, addr := listening(t)
	for _, c := range []struct {
		flags, name string
		want        bool
	}{
		{"", "/dev/fd/3", false}, {"", "//dev/./fd//3", false}, {"", "/proc/self/fd/3", false}, {"", "/proc/thread-self/fd/3", false},
		{"--pass-auth", "/dev/fd/3", true},
	} {
		file, err := os.Open(written(t, "digest:ann:"+secret+"\n"))
		require.NoError(t, err)
		defer file.Close()
		cmd := exec.Command(os.Args[0], words("lock /l "+c.flags, "--", "sh", "-c", "env; cat <&3")...)
		cmd.Env = append(os.Environ(), roleVar+"=docent", "DOCENT_SERVERS="+addr, "DOCENT_AUTH_FILE="+c.name)
		cmd.ExtraFiles = []*os.File{file}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		out, err := cmd.Output()
		require.Equal(t, c.want, err == nil, "cat fails")
		require.Contains(t, string(out), "DOCENT_TOKEN=")
		require.Equal(t, c.want, shows(string(out)), string(out))
		require.Equal(t, c.want, strings.Contains(string(out), "DOCENT_AUTH_FILE="+c.name), string(out))
	}
}
