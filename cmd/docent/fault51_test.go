//go:build unix

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

const digestLine = "digest:ann:" + secret

// owned makes a key that only ann may read.
func owned(t *testing.T) *zktest.Server {
	t.Helper()
	server := zktest.New(t)
	code, _, stderr := docent(t, words("--acl creator --auth digest:ann:"+secret+" config set /k value --create"), on(server))
	require.Zero(t, code, stderr)
	return server
}

// The credentials come from a file, a variable or a flag. The nearest to the
// command line counts.
func TestFault51_AuthFile(t *testing.T) {
	server := owned(t)
	good, other := written(t, digestLine+"\r\n"), written(t, "digest:bob:other")
	for _, c := range []struct {
		args string
		code int
		set  []setting
	}{
		{"--auth-file " + good, 0, nil},
		{"--auth-file " + other, 1, nil},
		{"", 0, []setting{env("DOCENT_AUTH_FILE=" + good)}},
		{"--auth-file " + good, 0, []setting{env("DOCENT_AUTH_FILE=" + other), env("DOCENT_AUTH=digest:bob:other")}},
		{"--auth " + digestLine, 0, []setting{env("DOCENT_AUTH_FILE=" + other)}},
		{"", 0, []setting{env("DOCENT_AUTH_FILE=" + good), env("DOCENT_AUTH=digest:bob:other")}},
		{"", 1, nil},
	} {
		code, out, stderr := docent(t, words(c.args+" config get /k"), append(c.set, on(server))...)
		require.Equal(t, c.code, code, "%s: %s", c.args, stderr)
		require.False(t, shows(out+stderr), stderr)
		if c.code == 0 {
			require.Equal(t, "value", out)
			require.Empty(t, stderr)
		}
	}
	code, _, stderr := docent(t, words("--auth-file "+good+" --acl creator config set /mine x --create"), on(server))
	require.Zero(t, code, stderr)
	require.Zero(t, run1(t, words("version"), env("DOCENT_AUTH_FILE=/nowhere")), "a command that does not connect reads no credentials")
}

func run1(t *testing.T, args []string, settings ...setting) int {
	t.Helper()
	code, _, _ := docent(t, args, settings...)
	return code
}

func TestFault51_AuthFileThatIsWrong(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	large := written(t, strings.Repeat("x", maxInput+1))
	for _, c := range []struct{ args, line string }{
		{"--auth-file /nowhere", "--auth-file: open /nowhere: no such file or directory; give a file that docent can read"},
		{"--auth-file " + dir, "--auth-file: " + dir + " is a directory; give a file that docent can read"},
		{"--auth-file " + fifo, "--auth-file: " + fifo + " is neither a regular file nor a descriptor such as /dev/fd/3; give a file"},
		{"--auth-file /dev/null", "--auth-file: /dev/null is neither a regular file nor a descriptor such as /dev/fd/3"},
		{"--auth-file /dev/fd/9999", "--auth-file: /dev/fd/9999: bad file descriptor"},
		{"--auth-file " + large, "--auth-file: " + large + " has more than 1048576 bytes"},
		{"--auth-file " + written(t, "\n"), "is empty; write digest:USER:PASSWORD into it"},
		{"--auth-file " + written(t, secret), "the credentials have another form; write digest:USER:PASSWORD"},
		{"--auth-file " + written(t, digestLine+"\n\n"), "the value has a line break"},
		{"--auth-file /x --auth digest:ann:" + secret, "--auth and --auth-file exclude each other; give --auth-file"},
		{"--auth-file=", "--auth-file: the value is empty; give one, or leave the flag out"},
		{"--sasl-user ann --sasl-password-file " + fifo, "--sasl-password-file: " + fifo + " is neither a regular file"},
		{"--tls-cert " + written(t, "") + " --tls-key " + fifo, "--tls-key: " + fifo + " is neither a regular file"},
		{"--tls-ca " + fifo, "--tls-ca: " + fifo + " is neither a regular file"},
		{"--tls-key /x --tls-cert " + dir, "--tls-cert: " + dir + " is a directory"},
	} {
		code, out, stderr := docent(t, words(c.args+" config get /a"))
		require.Equal(t, 2, code, c.args)
		require.Empty(t, out)
		require.Contains(t, stderr, c.line, c.args)
		require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
		require.False(t, shows(stderr), stderr)
	}
}

// A secret that others can read is used, with a warning: a container has no
// other users.
func TestFault51_SecretsThatOthersCanRead(t *testing.T) {
	server := owned(t)
	for mode, warning := range map[os.FileMode]string{
		0o600: "", 0o440: "", 0o640: "",
		0o644: "every user of this machine can read FILE (mode 0644); take the right away: chmod o= FILE",
		0o602: "every user of this machine can write FILE (mode 0602); take the right away: chmod o-w FILE",
	} {
		file := written(t, digestLine)
		require.NoError(t, os.Chmod(file, mode))
		code, out, stderr := docent(t, words("--auth-file "+file+" config get /k"), on(server))
		require.Zero(t, code, stderr)
		require.Equal(t, "value", out)
		want := ""
		if warning != "" {
			want = "docent: warning: --auth-file: " + strings.ReplaceAll(warning, "FILE", file) + "\n"
		}
		require.Equal(t, want, stderr)
	}
}

// A descriptor may be a file, a pipe or standard input, which CMD does not get
// then. A pipe that stays open does not keep SIGTERM from ending docent.
func TestFault51_AuthFromADescriptor(t *testing.T) {
	_, addr := listening(t)
	command := func(args ...string) *exec.Cmd {
		cmd := exec.Command(os.Args[0], args...)
		cmd.Env = append(os.Environ(), roleVar+"=docent", "DOCENT_SERVERS="+addr)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		return cmd
	}
	out, err := command("--acl", "creator", "--auth", digestLine, "config", "set", "/k", "value", "--create").CombinedOutput()
	require.NoError(t, err, string(out))
	pipe := func(text string) *os.File {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		t.Cleanup(func() { r.Close(); w.Close() })
		_, err = w.WriteString(text)
		require.NoError(t, err)
		if text != "" {
			require.NoError(t, w.Close())
		}
		return r
	}
	file, err := os.Open(written(t, digestLine+"\n"))
	require.NoError(t, err)
	defer file.Close()
	for _, from := range []*os.File{pipe(digestLine), file} {
		get := command("--auth-file", "/dev/fd/3", "config", "get", "/k")
		get.ExtraFiles = []*os.File{from}
		out, err := get.CombinedOutput()
		require.NoError(t, err, string(out))
		require.Equal(t, "value", string(out))
	}
	for _, name := range []string{"/dev/stdin", "/dev//stdin", "/dev/fd/0", "/dev/../dev/fd/0"} {
		lock := command("--auth-file", name, "--acl", "open", "lock", "/l", "--", "sh", "-c", "cat; echo end")
		_, err = file.Seek(0, 0)
		require.NoError(t, err)
		lock.Stdin = file
		out, err = lock.CombinedOutput()
		require.NoError(t, err, string(out))
		require.Equal(t, "end\n", string(out), name)
	}

	hangs := command("--auth-file", "/dev/fd/3", "config", "get", "/k")
	hangs.ExtraFiles = []*os.File{pipe("")}
	require.NoError(t, hangs.Start())
	require.NoError(t, hangs.Process.Signal(syscall.SIGTERM))
	watchdog := time.AfterFunc(patience, func() { _ = hangs.Process.Kill() })
	defer watchdog.Stop()
	require.Error(t, hangs.Wait())
	require.Equal(t, syscall.SIGTERM, hangs.ProcessState.Sys().(syscall.WaitStatus).Signal())
}

// TLS can be asked for by variables, and with the system's authorities.
func TestFault51_TLSVariables(t *testing.T) {
	ca, cert := certificate(t, "zk.example")
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	require.NoError(t, err)
	certFile := written(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})))
	keyFile := written(t, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	pool := x509.NewCertPool()
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	require.NoError(t, err)
	pool.AddCert(leaf)
	server := zktest.New(t, zktest.TLS(&tls.Config{Certificates: []tls.Certificate{cert}, ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven}))
	require.NoError(t, server.Put("/k", []byte("value")))
	addr, err := server.Listen("127.0.0.1:0")
	require.NoError(t, err)
	get := func(flags string, variables ...string) (int, string) {
		t.Helper()
		cmd := exec.Command(os.Args[0], words("--connect-timeout 1s "+flags+" config get /k")...)
		cmd.Env = append(os.Environ(), append(variables, roleVar+"=docent", "DOCENT_SERVERS="+addr)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		out, err := cmd.CombinedOutput()
		if err != nil {
			require.IsType(t, &exec.ExitError{}, err)
		}
		return cmd.ProcessState.ExitCode(), string(out)
	}
	for _, c := range []struct {
		flags     string
		variables []string
	}{
		{"--tls-ca " + ca + " --tls-server-name zk.example", nil},
		{"", []string{"DOCENT_TLS_CA=" + ca, "DOCENT_TLS_SERVER_NAME=zk.example"}},
		{"", []string{"DOCENT_TLS_CA=" + ca, "DOCENT_TLS_SERVER_NAME=zk.example", "DOCENT_TLS_CERT=" + certFile, "DOCENT_TLS_KEY=" + keyFile}},
		{"--tls --tls-server-name zk.example", []string{"SSL_CERT_FILE=" + ca}},
		{"--tls-server-name zk.example", []string{"SSL_CERT_FILE=" + ca, "DOCENT_TLS=1"}},
	} {
		code, out := get(c.flags, c.variables...)
		require.Zero(t, code, out)
		require.Equal(t, "value", out)
	}
	code, out := get("--tls --tls-server-name zk.example", "SSL_CERT_FILE="+certificateOf(t, "another.example"), "SSL_CERT_DIR=/nowhere")
	require.Equal(t, 69, code)
	require.Contains(t, out, "certificate signed by unknown authority")
	code, out = get("--tls", "SSL_CERT_FILE="+ca)
	require.Equal(t, 69, code, "the name of the server counts without --tls-server-name")
	require.Contains(t, out, "certificate")
	code, out = get("", "DOCENT_TLS_KEY="+keyFile)
	require.Equal(t, 2, code)
	require.Contains(t, out, "--tls-cert and --tls-key: one is given without the other; give both")

	require.NoError(t, os.Chmod(keyFile, 0o644))
	code, out = get("--tls-ca " + ca + " --tls-server-name zk.example --tls-cert " + certFile + " --tls-key " + keyFile)
	require.Zero(t, code, out)
	require.Equal(t, "docent: warning: --tls-key: every user of this machine can read "+keyFile+" (mode 0644); take the right away: chmod o= "+
		keyFile+"\nvalue", out)
}

func certificateOf(t *testing.T, name string) (caFile string) {
	t.Helper()
	caFile, _ = certificate(t, name)
	return caFile
}

// far is a connection to another machine.
type far struct{ net.Conn }

func (far) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 40000} }
func (far) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 2181} }

// The command prints the session's warning, in one line, once, with and without
// --verbose.
func TestFault51_CredentialsWithoutTLS(t *testing.T) {
	server := owned(t)
	away := func(env *environment) {
		env.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := server.DialContext(ctx, network, address)
			return far{c}, err
		}
	}
	code, out, stderr := docent(t, words("--servers zk1 config get /k"), away, withSecret)
	require.Zero(t, code, stderr)
	require.Equal(t, "value", out)
	require.Equal(t, "docent: warning: the credentials (digest) go to zk1:2181 without TLS: others on the network can read them; "+
		"give --tls or --tls-ca, or use a network that you trust\n", stderr)
	code, _, stderr = docent(t, words("-v --servers zk1 config get /k"), away, withSecret)
	require.Zero(t, code, stderr)
	require.Equal(t, 1, strings.Count(stderr, "without TLS"), stderr)
	for _, settings := range [][]setting{{on(server), withSecret}, {away}} {
		_, _, stderr = docent(t, words("--acl open counter add /c"), settings...)
		require.Empty(t, stderr)
	}
}

// A server without any check of rights listens on a public address only if the
// user knows that.
func TestFault51_DevOnAPublicAddress(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "zk.example:0"} {
		code, out, stderr := docent(t, words("dev --listen "+addr))
		require.Equal(t, 2, code, addr)
		require.Empty(t, out)
		require.Equal(t, "docent: dev: --listen "+addr+" can be reached by other machines, which could read and change all data; "+
			"listen on 127.0.0.1, or give --i-know\n", stderr)
	}
	for _, args := range []string{"--listen 0.0.0.0:0 --i-know", "--listen localhost:0", "--listen LOCALHOST:0", "--listen 127.1.2.3:0"} {
		dev := start(t, words("dev "+args))
		require.Contains(t, dev.line(), "listening on ")
		dev.kill(syscall.SIGTERM)
		code, _ := dev.wait()
		require.Zero(t, code)
	}
}
