//go:build unix

package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// Words that could mean two things are refused, before anything is done.
func TestFault08_Words(t *testing.T) {
	server := zktest.New(t)
	for _, c := range []struct {
		args []string
		line string
	}{
		{words("--servers zk1:2181/app,zk2:2181/app counter get /c"), `write the root once, at the end, as in "zk1:2181,zk2:2181/app"`},
		{words("--servers zk://zk1:2181 counter get /c"), "scheme"},
		{words("--servers zk1,zk1:2181 counter get /c"), "the same server"},
		{[]string{"--servers", "", "counter", "get", "/c"}, "--servers: the value is empty"},
		{[]string{"--auth", "", "counter", "get", "/c"}, "--auth: the value is empty"},
		{[]string{"--tls-ca=", "counter", "get", "/c"}, "--tls-ca: the value is empty"},
		{[]string{"--auth", "digest:ann:", "counter", "get", "/c"}, "the password is empty"},
		{[]string{"--auth", "digest:ann:geheim\n", "counter", "get", "/c"}, "a line break"},
		{[]string{"--auth", "digest:ann:geheim ", "counter", "get", "/c"}, "a space at an end"},

		{words("counter set /c 010"), `got "010"; write 10`},
		{words("counter set /c 0x10"), `got "0x10"`},
		{words("counter set /c 1_000"), `got "1_000"`},
		{words("counter add /c 0b11"), `got "0b11"`},
		{words("counter add /c +5"), `got "+5"; write 5`},
		{words("counter add /c 9223372036854775808"), "does not fit in 64 bits"},
		{words("config rollback /c 4294967296"), "does not fit in 32 bits"},
		{words("config set /c x --version 07"), `got "07"; write 7`},
		{words("lock /l --permits 010 -- true"), `got "010"; write 10`},
		{words("queue put /q x --priority 08"), `got "08"; write 8`},
		{words("lock /l --wait 30 -- true"), "missing unit"},
		{words("inspect --watch --every 5"), "missing unit"},
		{words("inspect --limit 1e3"), `got "1e3"`},

		{words("service register orders a 10.0.0.7:8080:9090"), "more than one colon"},
		{words("service register orders a ::1"), "write [::1]:port"},
		{words("service register orders a 2001:db8::1:8080"), "brackets"},
		{words("service register orders a :8080"), "host is missing"},
		{words("service register orders a h:0"), "port"},
		{words("service register orders a h:65536"), "port"},
		{words("service register orders a h:"), "port"},
		{words("service register orders a http://h:1"), "scheme"},
		{words("service register orders a h1:1,h2:1"), "comma"},
		{words("service register orders a 8080"), "neither an IPv4 address nor a DNS name"},
		{words("service register orders a h:1 --meta zone"), `expected K=V but got "zone"`},
		{words("service register orders a h:1 --meta =x"), `expected K=V but got "=x"`},
		{words("service register orders a h:1 --meta zone=a --meta zone=b"), `the key "zone" is given twice`},

		{words("dev --listen 8080"), "is not HOST:PORT"},
		{words("dev --listen 127.0.0.1:http"), "is not HOST:PORT"},
		{words("dev --listen 127.0.0.1:65536"), "is not HOST:PORT"},
		{words("dev --listen 127.0.0.1:02181"), "is not HOST:PORT"},
		{[]string{"dev", "--listen", ""}, "--listen: the value is empty"},
		{words("ui --listen ::1:8430"), "is not HOST:PORT"},
		{words("ui --listen 127.0.0.1:8430/x"), "is not HOST:PORT"},
		{[]string{"ui", "--token", ""}, "--token: the value is empty"},
		{[]string{"elect", "/e", "--id", "", "--", "true"}, "--id: the value is empty"},
	} {
		code, out, stderr := docent(t, c.args)
		require.Equal(t, 2, code, "%q: %s", c.args, stderr)
		require.Empty(t, out, "%q", c.args)
		require.Contains(t, stderr, c.line, "%q", c.args)
		require.NotContains(t, stderr, "geheim")
	}
	for _, sessions := range []string{"10", "0X10", "0x", "-0x1", "0x10 010", "0x1ffffffffffffffff"} {
		code, _, stderr := docent(t, words("lock /l", self("0")...), on(server), role("exit"), env("DOCENT_SESSIONS="+sessions))
		require.Equal(t, 2, code, sessions)
		require.Contains(t, stderr, "DOCENT_SESSIONS", sessions)
	}
}

// A value of metadata is what is written, whatever it contains.
func TestFault08_Metadata(t *testing.T) {
	var cli grammar
	_, err := parse(&cli, &environment{args: []string{"service", "register", "orders", "a", "[::1]:80",
		"--meta", "note=a;b=c,d", "--meta", `path=C:\x`, "--meta", "empty="}})
	require.NoError(t, err)
	in, err := cli.Service.Register.instance()
	require.NoError(t, err)
	require.Equal(t, map[string]string{"note": "a;b=c,d", "path": `C:\x`, "empty": ""}, in.Metadata)
	require.Equal(t, "::1", in.Address)
	require.Equal(t, 80, in.Port)
}

// What is data may be empty.
func TestFault08_EmptyData(t *testing.T) {
	var cli grammar
	_, err := parse(&cli, &environment{args: []string{"group", "join", "/g", "a", "--data", ""}})
	require.NoError(t, err)
	_, err = parse(&cli, &environment{args: []string{"config", "set", "/k", ""}})
	require.NoError(t, err)
}

// Bytes that are not UTF-8 stay as they are written.
func TestBytesOfArguments(t *testing.T) {
	const bytes = "a\xff\xc0b"
	for _, c := range []struct {
		args  []string
		value func(*grammar) string
	}{
		{[]string{"config", "set", "/k", bytes}, func(cli *grammar) string { return cli.Config.Set.Value }},
		{[]string{"config", "sync", "/k", bytes}, func(cli *grammar) string { return cli.Config.Sync.File }},
		{[]string{"group", "join", "/g", "a", "--data", bytes}, func(cli *grammar) string { return cli.Group.Join.Data }},
		{[]string{"group", "join", "/g", "a", "--data=" + bytes}, func(cli *grammar) string { return cli.Group.Join.Data }},
		{[]string{"queue", "put", "/q", bytes}, func(cli *grammar) string { return cli.Queue.Put.Data }},
		{[]string{"lock", "/l", "--", "echo", bytes}, func(cli *grammar) string { return cli.Lock.Cmd[1] }},
	} {
		var cli grammar
		_, err := parse(&cli, &environment{args: c.args})
		require.NoError(t, err)
		require.Equal(t, bytes, c.value(&cli), "%q", c.args)
	}
}

// A key of --meta that another flag or verb sets is rejected in the words of the
// command.
func TestServiceRegister_reservedKeys(t *testing.T) {
	for _, c := range []struct{ args, line string }{
		{"--meta weight=3", "--meta weight=3: the key is reserved; give --weight"},
		{"--meta zone=a --weight 2 --meta weight=heavy", "--meta weight=heavy: the key is reserved; give --weight"},
		{"--layout spring --meta weight=3", "--meta weight=3: the key is reserved; give --weight"},
		{"--layout dubbo --meta weight=3", "--meta weight=3: the key is reserved; give --weight"},
		{"--meta draining=true", `--meta draining=true: the key is reserved; mark the instance with "docent service drain" once it is registered`},
		{"--layout spring --meta instance_status=DOWN", `--meta instance_status=DOWN: the key is reserved; mark the instance with "docent service drain" once it is registered`},
		{"--layout dubbo --meta enabled=false", "--meta enabled=false: the key is reserved; leave it out: docent sets it itself"},
		{"--layout dubbo --meta disabled=true", "--meta disabled=true: the key is reserved; leave it out: docent sets it itself"},
		{"--layout dubbo --meta dynamic=false", "--meta dynamic=false: the key is reserved; leave it out: docent sets it itself"},
		{"--layout dubbo --meta timestamp=7", "--meta timestamp=7: the key is reserved; leave it out: docent sets it itself"},
	} {
		code, _, stderr := docent(t, words("service register orders a h:1 "+c.args))
		require.Equal(t, 2, code, c.args)
		require.Equal(t, "docent: service register: "+c.line+"\n", stderr)
	}
}

// A flag that has an effect only beside another one is rejected without it.
func TestFlagsWithoutTheirPartner(t *testing.T) {
	for _, c := range []struct{ args, line string }{
		{"inspect --confirm 2s", "inspect: --confirm has an effect only with --deadlocks or --problems; give both, or leave --confirm out"},
		{"inspect --confirm 2s --deadlocks=false", "inspect: --confirm has an effect only with --deadlocks or --problems; give both, or leave --confirm out"},
		{"inspect --watch --confirm 2s", "inspect: --confirm has an effect only with --deadlocks or --problems; give both, or leave --confirm out"},
		{"inspect --held 2h", "inspect: --held has an effect only with --problems; give both, or leave --held out"},
		{"inspect --deadlocks --waited 2h", "inspect: --waited has an effect only with --problems; give both, or leave --waited out"},
		{"inspect --every 2s", "inspect: --every has an effect only with --watch; give both, or leave --every out"},
		{"inspect --deadlocks --every 2s", "inspect: --every has an effect only with --watch; give both, or leave --every out"},
		{"leader /e --wait 2s", "leader: --wait has an effect only with --transfer; give both, or leave --wait out"},
		{"leader /e --watch --wait 2s", "leader: --wait has an effect only with --transfer; give both, or leave --wait out"},
		{"queue take /q --retry 1m", "queue take: --retry has an effect only with CMD after --; give both, or leave --retry out"},
		{"queue take /q --grace 1s", "queue take: --grace has an effect only with CMD after --; give both, or leave --grace out"},
		{"config sync /c f --grace 1s", "config sync: --grace has an effect only with CMD after --; give both, or leave --grace out"},
		{"service pick orders --key k --strategy random", "service pick: --key has an effect only with --strategy hash or sticky; give one of them, or leave --key out"},
		{"service pick orders --key k --strategy weighted", "service pick: --key has an effect only with --strategy hash or sticky; give one of them, or leave --key out"},
		{"ui --i-know", "ui: --i-know has an effect only with --listen; give both, or leave --i-know out"},
		{"--tls-key k.pem leader /e", "--tls-cert and --tls-key: one is given without the other; give both"},
		{"--sasl-password-file f leader /e", "--sasl-password-file (or DOCENT_SASL_PASSWORD_FILE): the user is missing; give --sasl-user"},
	} {
		code, _, stderr := docent(t, words(c.args))
		require.Equal(t, 2, code, c.args)
		require.Equal(t, "docent: "+c.line+"\n", stderr)
	}
}
