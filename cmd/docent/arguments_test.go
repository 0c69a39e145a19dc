//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
)

// leaves returns all commands that can be run.
func leaves(t *testing.T) []*kong.Node {
	t.Helper()
	parser, err := kong.New(new(grammar), append(decoders(), kong.Name("docent"))...)
	require.NoError(t, err)
	return parser.Model.Leaves(true)
}

// verb returns the words that choose a command.
func verb(node *kong.Node) []string { return strings.Fields(node.FullPath())[1:] }

// fits maps the name of a positional argument to a value that fits. An argument
// with another name gets an "a".
var fits = map[string]string{"PATH": "/p", "ADDR": "h:1", "N": "1", "SHELL": "bash", "PATHS": "/p"}

// fitting returns the command line of a command, with a value that fits for
// each argument. with replaces the value of one argument, whose name it is.
func fitting(node *kong.Node, name, with string, flags ...string) []string {
	args := append(verb(node), flags...)
	for _, flag := range node.Flags {
		if flag.Required && !strings.HasPrefix(strings.Join(flags, " "), "--"+flag.Name) {
			args = append(args, "--"+flag.Name+"="+map[reflect.Kind]string{reflect.Int64: "1m", reflect.Int: "2"}[flag.Target.Kind()])
		}
	}
	args = append(args, "--")
	for _, arg := range node.Positional {
		value, known := fits[arg.Name]
		switch {
		case arg.Name == name:
			value = with
		case arg.Name == "ID" && node.Name == "rollback":
			value = "1"
		case arg.Name == "ID" && strings.Contains(node.FullPath(), "dead"):
			value = "queue-0000000001.1f"
		case arg.Name == "CMD" && node.Name == "leader":
			continue // it needs --watch
		case arg.Name == "CMD":
			value = os.Args[0]
		case arg.Name == "FILE" && (node.Name == "import" || node.Name == "diff"):
			value = "testdata/limits.json"
		case !known:
			value = "a"
		}
		args = append(args, value)
	}
	return args
}

// nonsense are values that do not fit an argument or a flag of the type.
func nonsense(value *kong.Value) []string {
	target := value.Target.Type()
	if target.Kind() == reflect.Pointer {
		target = target.Elem()
	}
	switch {
	case value.Enum != "":
		return []string{"nonsense", ""}
	case target == reflect.TypeFor[time.Duration]():
		return []string{"", " ", "soon", "-1s", "30", "99999999999h", "1s\n", "/"}
	case target.Kind() == reflect.Int || target.Kind() == reflect.Int32 || target.Kind() == reflect.Int64:
		return []string{"", " ", "x", "1.5", "0x1", "1\n", "/", strings.Repeat("9", 20)}
	case value.Tag.Has("allowempty") || value.Name == "CMD":
		return nil
	case target.Kind() == reflect.String && (value.Name == "PATH" || value.Flag != nil && value.Flag.PlaceHolder == "PATH"):
		return []string{"", " ", "relative", "/a/", "//", "/a//b", "/a/../b", "/a/.", "/a\x00b", "/a\nb", "/a\x7f", "/\xff"}
	case target.Kind() == reflect.String:
		return []string{""}
	}
	return nil
}

// A malformed argument is a usage error, whatever verb gets it. It is found
// before docent connects: nothing listens here.
func TestEveryArgument_malformed(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	nowhere := func(env *environment) {
		env.environ = append(env.environ, "DOCENT_SERVERS="+closed.Addr().String())
		env.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			return nil, errors.New("docent connects")
		}
	}
	tried := 0
	rejects := func(args []string) {
		if tried++; tried%oneIn != 0 {
			return
		}
		t.Run(fmt.Sprintf("%q", args), func(t *testing.T) {
			code, out, stderr := docent(t, append([]string{"--connect-timeout=50ms"}, args...), nowhere)
			require.Equal(t, 2, code, stderr)
			require.Empty(t, out)
			require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
		})
	}
	for _, node := range leaves(t) {
		for _, arg := range node.Positional {
			for _, bad := range nonsense(arg) {
				rejects(fitting(node, arg.Name, bad))
			}
		}
		for _, flag := range node.Flags {
			for _, bad := range nonsense(flag.Value) {
				rejects(fitting(node, "", "", "--"+flag.Name+"="+bad))
			}
		}
	}
	names := []string{"", " ", "\t", "\u3164", "\u2800 \u115f", ".", "..", "a/b", "/", "a\x00b", "a\nb", "\xff"}
	for _, c := range []struct {
		line string // VALUE stands for each of the values
		bad  []string
	}{
		{"group join /g VALUE", names},
		{"service register VALUE a h:1", names},
		{"service register orders VALUE h:1", names},
		{"service register orders a VALUE", []string{"", " ", "h:", "h:0", "h:99999", "h:-1", "h\n", "h/x", ":1", "::1"}},
		{"service register orders a h:1 --meta VALUE", []string{"", "x", "=x", "a=\xff"}},
		{"service register orders a h:1 --weight=VALUE", []string{"-1", "0", "1000001"}},
		{"service register orders a h:1 --base=VALUE", []string{"/", "/zookeeper/x"}},
		{"service list VALUE", names},
		{"service watch VALUE", names},
		{"service pick VALUE", names},
		{"service pick orders --strategy=VALUE", []string{"nonsense", " "}},
		{"service drain VALUE a", names},
		{"service drain orders VALUE", names},
		{"barrier enter /b --count 2 --id=VALUE -- CMD", names},
		{"barrier enter /b --count=VALUE -- CMD", []string{"0", "-1", "4097"}},
		{"elect /e --id VALUE -- CMD", []string{" ", "\t", "a\x00b", "a\nb", "\xff"}},
		{"leader /e --transfer=VALUE", []string{" ", "\t"}},
		{"lock /l --mode=VALUE -- CMD", []string{"nonsense", " "}},
		{"lock /l --permits=VALUE -- CMD", []string{"0", "-1", "2147483648"}},
		{"lock VALUE -- CMD", []string{"/", "/zookeeper", "/zookeeper/quota"}},
		{"once /j --every=VALUE -- CMD", []string{"0s", "1us"}},
		{"once /j --every 1m --slack=VALUE -- CMD", []string{"1m", "2m"}},
		{"once /j --every 1m --skipped-code=VALUE -- CMD", []string{"-1", "256"}},
		{"counter set /c --layout int32 -- VALUE", []string{"2147483648", "-2147483649"}},
		{"counter add /c --layout int32 -- VALUE", []string{"2147483648", "-2147483649"}},
		{"config set /c x --version=VALUE", []string{"-1"}},
		{"config set /c x --keep=VALUE", []string{"0", "-1", "1001"}},
		{"config delete /c --version=VALUE", []string{"-1"}},
		{"config rollback /c -- VALUE", []string{"-1"}},
		{"config rollback /c 1 --keep=VALUE", []string{"0", "-1", "1001"}},
		{"queue put /q x --layout=VALUE", []string{"nonsense", " "}},
		{"queue put /q x --priority=VALUE", []string{"2147483648", "-2147483649"}},
		{"queue put /q x --layout kazoo --priority=VALUE", []string{"-1", "1000"}},
		{"queue put /q x --layout kazoo-locking --priority=VALUE", []string{"-1", "1000"}},
		{"queue put /q x --layout simple --priority=VALUE", []string{"0", "5"}},
		{"queue put /q x --layout simple --delay=VALUE", []string{"1s"}},
		{"queue put /q x --delay=VALUE", []string{"2000000h"}},
		{"queue take /q --max-attempts=VALUE", []string{"0", "-1"}},
		{"queue take /q --layout kazoo --retry=VALUE -- CMD", []string{"1s"}},
		{"queue dead redrive /q VALUE", append(names, "queue-0000000001", "queue-0000000001.x", "7")},
		{"queue dead redrive /q queue-0000000001.1f VALUE", []string{"", "7"}},
		{"queue dead discard /q VALUE", append(names, "queue-0000000001")},
		{"inspect /p --limit=VALUE", []string{"0", "-1"}},
		{"inspect /p --depth=VALUE", []string{"-1"}},
	} {
		for _, bad := range c.bad {
			args := words(c.line)
			for i, word := range args {
				args[i] = strings.Replace(strings.Replace(word, "VALUE", bad, 1), "CMD", os.Args[0], 1)
			}
			rejects(args)
		}
	}
}

// The command lines that the table of malformed arguments begins with are
// right: they fail because nothing listens.
func TestEveryArgument_fitting(t *testing.T) {
	for _, node := range leaves(t) {
		switch strings.Join(verb(node), " ") {
		case "demo", "dev", "ui", "version", "man", "completion":
			continue // they do not connect first
		}
		code, _, stderr := docent(t, append([]string{"--connect-timeout=50ms", "--auth=digest:user:secret"}, fitting(node, "", "")...), func(env *environment) {
			env.dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("nothing listens") }
		})
		require.Equal(t, exitUnreachable, code, "%s: %s", node.FullPath(), stderr)
	}
}

// No verb takes a negative time.
func TestEveryTime_negative(t *testing.T) {
	times := 0
	for _, node := range leaves(t) {
		for _, flag := range node.Flags {
			of := flag.Target.Type()
			if of.Kind() == reflect.Pointer {
				of = of.Elem()
			}
			if of != reflect.TypeFor[time.Duration]() {
				continue
			}
			times++
			code, _, stderr := docent(t, fitting(node, "", "", "--"+flag.Name+"=-1s"))
			require.Equal(t, 2, code)
			require.Regexp(t, `: --`+flag.Name+` -1s is negative; give a time such as \d+(ms|s|m|h)\n$`, stderr)
		}
	}
	require.Greater(t, times, 30)
}
