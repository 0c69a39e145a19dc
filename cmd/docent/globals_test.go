//go:build unix

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

func TestUsage(t *testing.T) {
	testworld.Sequential(t)
	plain := filepath.Join(t.TempDir(), "plain")
	require.NoError(t, os.WriteFile(plain, []byte("text"), 0o600))
	for _, c := range []struct{ args, line string }{
		{"lock /l --wait 1s --try -- x", `lock: --wait and --try exclude each other; give one of them`},
		{"lock /l --wait=-1s -- x", `lock: --wait -1s is negative; give a time such as 30s`},
		{"lock /l --grace=-1s -- x", `lock: --grace -1s is negative; give a time such as 5s`},
		{"elect /l --grace=-1s -- x", `elect: --grace -1s is negative; give a time such as 5s`},
		{"lock /l --mode x -- x", `lock: --mode "x" is unknown; use mutex, one-node, read or write`},
		{"lock l -- x", `lock l: invalid path "l": it is relative: a path starts with /; give an absolute path such as /app/name`},
		{"elect /l/ -- x", `elect /l/: invalid path "/l/": it ends with /; give an absolute path such as /app/name`},
		{"leader /a//b", `leader /a//b: invalid path "/a//b": it has an empty segment; give an absolute path such as /app/name`},
		{"config get /a/../b", `config get /a/../b: invalid path "/a/../b": it has the relative segment ".."; give an absolute path such as /app/name`},
		{"config watch /", `config watch /: invalid path "/": it is the root: name a znode below it; give an absolute path such as /app/name`},
		{"config delete /zookeeper/x", `config delete /zookeeper/x: invalid path "/zookeeper/x": /zookeeper is reserved for the server's own znodes; give an absolute path such as /app/name`},
		{"config set relative x", `config set relative: invalid path "relative": it is relative: a path starts with /; give an absolute path such as /app/name`},
		{"--servers zk1:x leader /e", `--servers: connect string "zk1:x": server 1 of 1, "zk1:x": its port "x" is not a number from 1 to 65535; write it as host:port,host:port or host:port/root`},
		{"--servers a,,b leader /e", `--servers: connect string "a,,b": server 2 of 3, "": it is empty; write it as host:port,host:port or host:port/root`},
		{"--servers a:1/b/ leader /e", `--servers: connect string "a:1/b/": root: invalid path "/b/": it ends with /; write it as host:port,host:port or host:port/root`},
		{"--timeout 1ms leader /e", `--timeout: 1ms is out of range; give 100ms to 24h`},
		{"--connect-timeout 0s leader /e", `--connect-timeout: 0s is not above zero; give a time such as 10s`},
		{"--auth user:geheim leader /e", `--auth (or DOCENT_AUTH): the credentials have another form; write digest:USER:PASSWORD`},
		{"--auth digest:geheim leader /e", `--auth (or DOCENT_AUTH): the credentials have another form; write digest:USER:PASSWORD`},
		{"--tls-cert x leader /e", `--tls-cert and --tls-key: one is given without the other; give both`},
		{"--tls-ca /nowhere leader /e", `--tls-ca: open /nowhere: no such file or directory; give a file that docent can read`},
		{"--tls-ca " + plain + " leader /e", `--tls-ca: ` + plain + ` has no PEM certificate; give the file of a certificate authority`},
		{"--tls-cert " + plain + " --tls-key " + plain + " leader /e",
			`--tls-cert, --tls-key: tls: failed to find any PEM data in certificate input; give a certificate and its key as PEM files`},
	} {
		code, out, stderr := docent(t, replaceCommand(words(c.args)))
		require.Equal(t, "docent: "+c.line+"\n", stderr, c.args)
		require.Equal(t, 2, code, c.args)
		require.Empty(t, out)
	}
}

// replaceCommand puts a command that exists in the place of x behind --.
func replaceCommand(args []string) []string {
	if n := len(args); n > 1 && args[n-2] == "--" {
		args[n-1] = os.Args[0]
	}
	return args
}

func TestHelp(t *testing.T) {
	for _, command := range []string{
		"", "demo", "dev", "lock", "once", "elect", "leader", "config", "config get", "config set", "config watch", "config delete", "version",
	} {
		code, out, stderr := docent(t, words(command+" --help"))
		require.Zero(t, code, command)
		require.Empty(t, stderr)
		require.True(t, strings.HasPrefix(out, strings.TrimSpace("Usage: docent "+command)), out)
		for _, flag := range []string{"--servers", "DOCENT_SERVERS", "127.0.0.1:2181", "--timeout=10s", "--connect-timeout=10s", "DOCENT_AUTH", "--json"} {
			require.Contains(t, out, flag, command)
		}
	}
}

func TestVersion(t *testing.T) {
	code, out, _ := docent(t, words("version"))
	require.Zero(t, code)
	require.Regexp(t, `^docent \S+ \(go1\.\S+\)\n$`, out)
	code, out, _ = docent(t, words("version --json"))
	require.Zero(t, code)
	require.Regexp(t, `^\{"version":"[^"]+","go":"go1[^"]+"\}\n$`, out)

	released = "v1.2.3"
	t.Cleanup(func() { released = "" })
	_, out, _ = docent(t, words("version"))
	require.Regexp(t, `^docent v1\.2\.3 \(go1\.\S+\)\n$`, out, "the linker knows the version of a release")
}

func TestServers_fromEnvironment(t *testing.T) {
	server := zktest.New(t)
	root := env("DOCENT_SERVERS=zk1,zk2:2182/prod")
	code, _, stderr := docent(t, words("config set /a value --create"), on(server), root)
	require.Zero(t, code, stderr)
	node, found := server.Node("/prod/a")
	require.True(t, found)
	require.Equal(t, "value", string(node.Data))
	code, _, _ = docent(t, words("--servers zk1/other config get /a"), on(server), root)
	require.Equal(t, 1, code, "the flag counts more")
	code, _, stderr = docent(t, words("leader /e"), env("DOCENT_SERVERS=zk1:x"))
	require.Equal(t, 2, code)
	require.Contains(t, stderr, `its port "x" is not a number`)
}

func TestUnreachable(t *testing.T) {
	refusing, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, refusing.Close())
	hanging := zktest.New(t)
	hanging.HangHandshakes(true)
	hangs, err := hanging.Listen("127.0.0.1:0")
	require.NoError(t, err)
	ca, cert := certificate(t, "other.example")
	secure := zktest.New(t, zktest.TLS(&tls.Config{Certificates: []tls.Certificate{cert}}))
	wrongName, err := secure.Listen("127.0.0.1:0")
	require.NoError(t, err)
	for _, c := range []struct{ name, servers, flags, within, why string }{
		// Time enough to learn the reason, on a machine that is busy elsewhere.
		{"nobody listens", refusing.Addr().String(), "", "2s", "connection refused"},
		{"the server hangs", hangs, "", "200ms", ""},
		{"the name does not resolve", "docent-test.invalid:2181", "", "200ms", ""},
		{"the name in the certificate is another", wrongName, "--tls-ca " + ca, "2s", "certificate"},
	} {
		commands := []string{"leader /e", "config watch /a", "lock /l -- " + os.Args[0]}
		if c.why != "" {
			commands = commands[:1]
		}
		for _, command := range commands {
			code, _, stderr := docent(t, words("--connect-timeout "+c.within+" --servers "+c.servers+" "+c.flags+" "+command))
			require.Equal(t, 69, code, c.name)
			require.True(t, strings.HasPrefix(stderr, "docent: connect to "+c.servers+": no server could be reached within "+c.within+" ("), stderr)
			require.Contains(t, stderr, c.why)
			require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
		}
	}
}

func TestUnreachable_later(t *testing.T) {
	server := zktest.New(t)
	server.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op == zktest.OpGetData {
			return zktest.DropRequest.Silent()
		}
		return zktest.Pass
	})
	code, _, stderr := docent(t, words("--connect-timeout 200ms config get /a"), on(server))
	require.Equal(t, 69, code)
	require.Contains(t, stderr, "no server could be reached within 200ms")
}

// certificate returns a server's certificate, and the file with its authority.
func certificate(t *testing.T, name string) (caFile string, pair tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return caFile, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestTLS(t *testing.T) {
	ca, cert := certificate(t, "localhost")
	server := zktest.New(t, zktest.TLS(&tls.Config{Certificates: []tls.Certificate{cert}}))
	addr, err := server.Listen("127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	code, _, stderr := docent(t, words("--tls-ca "+ca+" --servers localhost:"+port+" config set /a x --create"))
	require.Zero(t, code, stderr)
}

func TestAuth(t *testing.T) {
	const secret = "s3cr3t-word"
	server := zktest.New(t)
	// A digest is base64(sha1("user:s3cr3t-word")), made here by the server's
	// rule.
	owner := env("DOCENT_AUTH=digest:user:" + secret)
	require.NoError(t, server.Put("/c/a", []byte("x")))
	var said strings.Builder
	for _, c := range []struct {
		args string
		code int
	}{
		{"-v config get /c/a", 0},
		{"-v --auth digest:other:" + secret + " config get /c/a", 0},
		{"-v --auth digest:" + secret + " config get /c/a", 2},
		{"-v --auth " + secret + " config get /c/a", 2},
		{"-v --ahut=digest:user:" + secret + " config get /c/a", 2},
		{"-v config get /c/missing", 1},
		{"-v config get relative", 2},
	} {
		code, out, stderr := docent(t, words(c.args), on(server), owner)
		require.Equal(t, c.code, code, c.args)
		said.WriteString(out + stderr)
	}
	server.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op == zktest.OpGetData {
			return zktest.Fail(zktest.CodeNoAuth)
		}
		return zktest.Pass
	})
	code, out, stderr := docent(t, words("-v config get /c/a"), on(server), owner)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "docent: config get /c/a: the ACL denies access; check --auth-file or DOCENT_AUTH")
	said.WriteString(out + stderr)
	require.Contains(t, said.String(), "session opened", "the log was on")
	require.NotContains(t, said.String(), secret)
}

func TestDemo(t *testing.T) {
	t.Parallel()
	code, out, stderr := docent(t, words("demo"))
	require.Zero(t, code, stderr)
	require.Empty(t, stderr)
	rest := out
	for _, part := range []string{
		"== 1. A lock that several want ==", "ok:  the fencing tokens grew",
		"== 2. A holder that is cut off ==", "her context has ended at T+", "her znode is removed at T+", "ok:  ann knew ",
		"ok:  the server rejects a transaction", "ok:  a store that compares tokens rejects",
		"== 3. A leader that dies ==", "sees: no leader", "LEADS, term", "ok:  ann's term had ended",
		"ok:  both observers saw no leader, ann, ben, cleo, no leader",
		"== 4. A configuration that is pushed ==", "REJECTS version 1", "ok:  the bad value was rejected", "has 250 (version 2)",
		". Readers and a writer ==", "ok:  no writer came in between", "ok:  the writers' tokens grew",
		"All claims were checked, and hold.",
	} {
		_, after, found := strings.Cut(rest, part)
		require.True(t, found, "%q is not in its place in:\n%s", part, out)
		rest = after
	}
}

func TestDemo_json(t *testing.T) {
	t.Parallel()
	code, out, stderr := docent(t, words("--json demo"))
	require.Zero(t, code, stderr)
	var last string
	for line := range strings.Lines(out) {
		require.Regexp(t, `^\{"seconds":[0-9.e-]+,("chapter":"[a-z]+",)?"event":"(begin|chapter|said|proven|end)",("who":"[a-z0-9]+",)?"text":".+"\}\n$`, line)
		last = line
	}
	require.Contains(t, last, `"event":"end"`)
}
