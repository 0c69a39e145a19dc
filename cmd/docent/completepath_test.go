//go:build unix

package main

import (
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// A busy machine may take longer than a user waits.
func init() { completionTime = patience }

func TestCompletePath(t *testing.T) {
	server := zktest.New(t)
	for _, path := range []string{"/locks/a", "/locks/backup", "/locks/$(reboot)", "/locks/a b", "/locks/`x`", "/queue/x"} {
		require.NoError(t, server.Put(path, []byte(secret)))
	}
	for word, want := range map[string]string{
		"/": "/locks\n/queue\n/zookeeper\n", "/lo": "/locks/a\n/locks/backup\n", "/locks": "/locks/a\n/locks/backup\n", "/locks/b": "/locks/backup\n",
		"/locks/": "/locks/a\n/locks/backup\n", "/none/": "", "//": "", "x": "", "/locks/a": "/locks/a\n",
	} {
		if word == "/lo" {
			want = "/locks\n"
		}
		code, out, stderr := docent(t, []string{"complete-path", "--", word}, on(server))
		require.Zero(t, code)
		require.Equal(t, want, out, word)
		require.Empty(t, stderr)
	}
}

// It is silent about every failure.
func TestCompletePath_silence(t *testing.T) {
	refusing, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, refusing.Close())
	defer func(before time.Duration) { completionTime = before }(completionTime)
	completionTime = 20 * ms
	hanging := zktest.New(t)
	hanging.HangHandshakes(true)
	for _, settings := range [][]setting{
		{on(hanging)}, {env("DOCENT_SERVERS=" + refusing.Addr().String())}, {env("DOCENT_SERVERS=:::")}, {env("DOCENT_AUTH=" + secret)},
		{env("DOCENT_AUTH_FILE=/no/such/file")}, {env("DOCENT_TLS_CA=" + os.Args[0])},
	} {
		code, out, stderr := docent(t, words("complete-path /lo"), settings...)
		require.Zero(t, code)
		require.Empty(t, out+stderr)
	}
	r, w, err := os.Pipe() // what is read from it could not be read again
	require.NoError(t, err)
	defer r.Close()
	_, err = w.WriteString("digest:ann:" + secret)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	code, out, stderr := docent(t, words("complete-path /lo"), env(`DOCENT_AUTH_FILE=/dev/fd/`+strconv.Itoa(int(r.Fd()))))
	require.Zero(t, code)
	require.Empty(t, out+stderr)
	left := make([]byte, 100)
	n, err := r.Read(left)
	require.NoError(t, err)
	require.Equal(t, "digest:ann:"+secret, string(left[:n]))
}

// The credentials of the environment go to the servers of the environment only.
func TestCompletePath_credentials(t *testing.T) {
	for line, auths := range map[string]int{"complete-path /": 1, "--servers other:2181 complete-path /": 0} {
		server := zktest.New(t)
		code, out, _ := docent(t, words(line), on(server), withSecret)
		require.Zero(t, code)
		require.NotEmpty(t, out)
		require.Equal(t, auths, server.Count(zktest.OpAuth), line)
	}
}
