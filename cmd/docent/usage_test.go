//go:build unix

package main

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// A wrong command line is explained in words that need no knowledge of docent:
// what is wrong, and what to write.
func TestUsage_words(t *testing.T) {
	testworld.Sequential(t)
	for _, c := range []struct{ args, line string }{
		// A command without a verb names its verbs.
		{"-v", `a command is missing; give demo, dev, lock, once, elect, exec, leader, barrier, counter, config, queue, group, service, inspect, ` +
			`acl, status, revoke, remove, ui, completion, man or version (see: docent --help)`},
		{"config", `config needs a verb: get, set, watch, delete, list, sync, export, import, diff, history or rollback (see: docent config --help)`},
		{"queue dead", `queue dead needs a verb: list, redrive or discard (see: docent queue dead --help)`},
		{"acl --json", `acl needs a verb: check or init (see: docent acl --help)`},
		// A word that is not a verb.
		{"lokc /l -- x", `unknown command "lokc"; did you mean "lock"? (see: docent --help)`},
		{"frobnicate", `unknown command "frobnicate"; give demo, dev, lock, once, elect, exec, leader, barrier, counter, config, queue, group, ` +
			`service, inspect, acl, status, revoke, remove, ui, completion, man or version (see: docent --help)`},
		{"config gte /k", `config: unknown verb "gte"; did you mean "get"? (see: docent config --help)`},
		{"barrier raise /b", `barrier: unknown verb "raise"; give set, lift, wait or enter (see: docent barrier --help)`},
		{"config get /k /l", `config get: "/l" is too much; write docent config get PATH (see: docent config get --help)`},
		{"inspect /a /b", `inspect: "/b" is too much; write docent inspect [PATH] (see: docent inspect --help)`},
		// What a command line lacks.
		{"lock", `lock: PATH and CMD are missing; write docent lock PATH -- CMD (see: docent lock --help)`},
		{"lock /l", `lock: CMD is missing; write docent lock PATH -- CMD (see: docent lock --help)`},
		{"once /j", `once: CMD and --every are missing; write docent once PATH --every 10m -- CMD (see: docent once --help)`},
		{"once /j -- x", `once: --every is missing; write docent once PATH --every 10m -- CMD (see: docent once --help)`},
		{"barrier enter -- x", `barrier enter: CMD and --count are missing; write docent barrier enter PATH --count N -- CMD (see: docent barrier enter --help)`},
		{"config set /k", `config set: VALUE is missing; write docent config set PATH VALUE (see: docent config set --help)`},
		{"config sync /k", `config sync: FILE is missing; write docent config sync PATH FILE [-- CMD] (see: docent config sync --help)`},
		{"service register", `service register: NAME, ID and ADDR are missing; write docent service register NAME ID ADDR (see: docent service register --help)`},
		{"queue dead discard /q", `queue dead discard: ID is missing; write docent queue dead discard PATH ID... (see: docent queue dead discard --help)`},
		// Flags.
		{"lock /l --tyr -- x", `lock: unknown flag --tyr; did you mean one of "--tls", "--try"? (see: docent lock --help)`},
		{"--jsno config get /k", `unknown flag --jsno; did you mean "--json"? (see: docent --help)`},
		{"lock /l sh -c x", `lock: unknown flag -c; put -- before CMD and its flags: docent lock PATH -- CMD (see: docent lock --help)`},
		{"queue take /q sh -c x", `queue take: unknown flag -c; put -- before CMD and its flags: docent queue take PATH [-- CMD] (see: docent queue take --help)`},
		{"counter add /c -x", `counter add: unknown flag -x; if it is an argument, put -- before it (see: docent counter add --help)`},
		{"config set /k --five", `config set: unknown flag --five; if it is an argument, put -- before it (see: docent config set --help)`},
		{"config get /k -5", `config get: "-5" is too much; write docent config get PATH (see: docent config get --help)`},
		{"counter add /c -2x", `counter add: N: expected a decimal number but got "-2x" (see: docent counter add --help)`},
		{"lock /l --wait -3x -- y", `lock: --wait: expected a time such as 30s but got "-3x": unknown unit "x" (see: docent lock --help)`},
		{"counter get /c --layout -8", `counter get: --layout "-8" is unknown; use int64, int32 or decimal`},
		{"lock /l --wait -3s -- y", `lock: --wait -3s is negative; give a time such as 30s`},
		{"lock /l --wait soon -- x", `lock: --wait: expected a time such as 30s but got "soon" (see: docent lock --help)`},
		{"lock /l --wait 30 -- x", `lock: --wait: expected a time such as 30s but got "30": missing unit (see: docent lock --help)`},
		{"lock /l --wait 3x -- x", `lock: --wait: expected a time such as 30s but got "3x": unknown unit "x" (see: docent lock --help)`},
		{"config get /k --servers", `config get: --servers: the value is missing; write it after the flag (see: docent config get --help)`},
		{"group join /g a --data --json", `group join: --data: the value is missing; write a value that begins with - as --data=-x (see: docent group join --help)`},
		{"counter get /c --layout hex", `counter get: --layout "hex" is unknown; use int64, int32 or decimal`},
	} {
		code, out, stderr := docent(t, words(c.args))
		require.Equal(t, "docent: "+c.line+"\n", stderr, c.args)
		require.Equal(t, 2, code, c.args)
		require.Empty(t, out)
	}
}

// A negative number is a value, wherever a value may be. A flag may follow it.
func TestFault36_NegativeNumbers(t *testing.T) {
	server := zktest.New(t)
	for _, c := range []struct{ line, out string }{
		{"counter add /c 5", "5\n"}, {"counter add /c -2", "3\n"}, {"counter set /c -7 --json", `{"path":"/c","value":-7,"exists":true}` + "\n"},
		{"counter add /c -- -1", "-8\n"}, {"counter add --layout int64 /c -1", "-9\n"},
		{"config set /k -5 --create", ""}, {"config get /k", "-5"}, {"config set /k -- -6", ""}, {"config get /k", "-6"},
		{"config set /k -1.5e3 --json", ""}, {"config get /k", "-1.5e3"},
		{"queue put /q -5 --priority -3", ""}, {"queue take /q", "-5"},
		{"queue put /q --priority=-3 -- -7", ""}, {"queue take /q", "-7"},
	} {
		code, out, stderr := docent(t, words(c.line), on(server))
		require.Zero(t, code, "%s: %s", c.line, stderr)
		require.Empty(t, stderr)
		if c.out != "" {
			require.Equal(t, c.out, out, c.line)
		}
	}
	code, out, _ := docent(t, words("lock /l echo -5 x"), on(server))
	require.Zero(t, code)
	require.Equal(t, "-5 x\n", out)
}

// No verb leaves a newcomer with the words of the parser.
func TestUsage_everyVerb(t *testing.T) {
	testworld.Sequential(t)
	parser, err := kong.New(new(grammar), append(decoders(), kong.Name("docent"))...)
	require.NoError(t, err)
	var visit func(node *kong.Node)
	visit = func(node *kong.Node) {
		required := len(node.Children) > 0
		for _, arg := range node.Positional {
			required = required || arg.Required
		}
		if line := verb(node); required && len(line) > 0 {
			code, out, stderr := docent(t, line)
			require.Equal(t, 2, code, line)
			require.Empty(t, out)
			require.NotRegexp(t, `expected|<|EOL|positional`, stderr)
			require.Regexp(t, `^docent: `+strings.Join(line, " ")+`(: .* missing; write docent | needs a verb: )`, stderr)
		}
		for _, child := range node.Children {
			visit(child)
		}
	}
	visit(parser.Model.Node)
}

// Usual ways to ask for help and for the version work.
func TestUsualWords(t *testing.T) {
	for _, c := range []struct{ args, same string }{
		{"", "--help"}, {"help", "--help"}, {"help lock", "lock --help"}, {"help queue dead list", "queue dead list --help"},
		{"--version", "version"}, {"--version --json", "version --json"},
	} {
		code, out, stderr := docent(t, words(c.args))
		wantCode, want, _ := docent(t, words(c.same))
		require.Zero(t, code, c.args)
		require.Zero(t, wantCode)
		require.NotEmpty(t, out)
		require.Equal(t, want, out, c.args)
		require.Empty(t, stderr)
	}
	code, _, stderr := docent(t, words("help lokc"))
	require.Equal(t, 2, code)
	require.Contains(t, stderr, `unknown command "lokc"; did you mean "lock"?`)
}
