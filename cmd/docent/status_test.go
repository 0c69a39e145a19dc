//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

const followerWords = "Zookeeper version: 3.8.4-abc, built on 2024-02-12 22:16 UTC\nLatency min/avg/max: 0/0.5/9\nReceived: 7\nSent: 6\n" +
	"Connections: 4\nOutstanding: 0\nZxid: 0x10000002a\nMode: follower\nNode count: 5\n"

// worded answers the word srvr on a connection, as servers do.
type worded struct {
	net.Conn
	answer string
	said   io.Reader // nil before the word
}

func (c *worded) Write(p []byte) (int, error) {
	if string(p) == "srvr" {
		c.said = strings.NewReader(c.answer)
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c *worded) Read(p []byte) (int, error) {
	if c.said != nil {
		return c.said.Read(p)
	}
	return c.Conn.Read(p)
}

// answering has docent dial a server whose answers to srvr are given by address.
// Without one the server refuses the connection.
func answering(server *zktest.Server, answers map[string]string) setting {
	return func(env *environment) {
		env.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			answer, ok := answers[address]
			if !ok {
				return nil, errors.New("connection refused")
			}
			conn, err := server.DialContext(ctx, network, address)
			return &worded{Conn: conn, answer: answer}, err
		}
	}
}

var took = regexp.MustCompile(`answers in [0-9.]+[µmn]?s|0x[0-9a-f]{6,}|at [0-9:]{8}`)

// status runs docent status, and returns its output without times and ids.
func status(t *testing.T, line string, server *zktest.Server, answers map[string]string) (code int, out, stderr string) {
	t.Helper()
	code, out, stderr = docent(t, words(line), answering(server, answers))
	return code, took.ReplaceAllString(out, "*"), stderr
}

func TestStatus(t *testing.T) {
	leader := strings.Replace(strings.Replace(followerWords, "follower", "leader", 1), "Outstanding: 0", "Outstanding: 2", 1)
	code, out, stderr := status(t, "status --servers zk1,zk2", zktest.New(t), map[string]string{"zk1:2181": followerWords, "zk2:2181": leader})
	require.Zero(t, code, stderr)
	require.Empty(t, stderr)
	require.Regexp(t, `^quorum    yes, confirmed \*
server    zk1:2181  follower, ZooKeeper 3.8.4, zxid \*, 4 connections, \*
server    zk2:2181  leader, ZooKeeper 3.8.4, zxid \*, 4 connections, 2 requests in its queue, \*
session   \* on zk[12]:2181, timeout 10s
identity  ip:[^\n]+
rights    read, create and delete on /
$`, out)

	// What a server does not say is said.
	code, out, stderr = status(t, "status --servers zk1,zk2,zk3/app", zktest.New(t), map[string]string{
		"zk1:2181": "srvr is not executed because it is not in the whitelist.\n", "zk2:2181": "", "zk3:2181": followerWords,
	})
	require.Zero(t, code, stderr)
	require.Contains(t, out, "zk1:2181  serves, mode not known: the server does not answer the word srvr (its 4lw.commands.whitelist leaves it out), *\n")
	require.Contains(t, out, "zk2:2181  serves, mode not known: the server does not answer the word srvr, *\n")
	require.Contains(t, out, "rights    none yet: the root does not exist on /app\n")
}

// A server that begins to serve while it is asked tells its mode.
func TestStatus_serverThatStarts(t *testing.T) {
	for name, first := range map[string]string{"refuses": "", "has no quorum": "This ZooKeeper instance is not currently serving requests\n"} {
		server := zktest.New(t)
		var mu sync.Mutex
		dials := 0
		code, out, stderr := docent(t, words("status --servers zk1"), func(env *environment) {
			env.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				mu.Lock()
				defer mu.Unlock()
				dials++
				if dials <= 2 && first == "" { // the first dial of the word, and of the session
					return nil, errors.New("connection refused")
				}
				answer := followerWords
				if dials <= 2 {
					answer = first
				}
				conn, err := server.DialContext(ctx, network, address)
				return &worded{Conn: conn, answer: answer}, err
			}
		})
		require.Zero(t, code, stderr)
		require.Contains(t, out, "server    zk1:2181  follower, ZooKeeper 3.8.4, ", name)
	}
}

// Some servers are away, and there is a quorum.
func TestStatus_partly(t *testing.T) {
	server := zktest.New(t)
	answers := map[string]string{"zk1:2181": followerWords}
	code, out, stderr := status(t, "status --servers zk1,zk2 --connect-timeout 2s", server, answers)
	require.Equal(t, exitFailure, code)
	require.Contains(t, out, "quorum    yes, confirmed *\n")
	require.Contains(t, out, "server    zk2:2181  does not serve: no connection (connection refused)\n")
	require.Equal(t, "docent: status: 1 of 2 servers does not serve: zk2:2181; check that it runs and reaches the others\n", stderr)

	code, out, _ = status(t, "--json status --servers zk1,zk2 --connect-timeout 2s", server, answers)
	require.Equal(t, exitFailure, code)
	var j statusJSON
	require.NoError(t, json.Unmarshal([]byte(strings.ReplaceAll(out, "*", "0x1")), &j))
	require.True(t, j.Quorum)
	require.True(t, j.Servers[0].Serves)
	require.Equal(t, "follower", j.Servers[0].Mode)
	require.Equal(t, 4, *j.Servers[0].Connections)
	require.Equal(t, serverJSON{Server: "zk2:2181", Address: "zk2:2181", Problem: "no connection (connection refused)",
		Unsaid: "no connection (connection refused)"}, j.Servers[1])
	require.Equal(t, int64(10_000), j.Session.TimeoutMS)
	require.True(t, *j.Session.Rights.Delete)
}

// Without a quorum the code is 69, in the words of the other commands.
func TestStatus_noQuorum(t *testing.T) {
	server := zktest.New(t)
	server.LoseQuorum(true)
	code, out, stderr := status(t, "status --servers zk1 --connect-timeout 1s", server, map[string]string{
		"zk1:2181": "This ZooKeeper instance is not currently serving requests\n",
	})
	require.Equal(t, exitUnreachable, code)
	require.Equal(t, "quorum    no answer\nserver    zk1:2181  does not serve: it runs, and is not part of a quorum\n", out)
	require.Equal(t, "docent: status: no quorum has answered within 1s, although a server can be reached; check --servers, and that a majority of the servers runs\n", stderr)

	code, out, stderr = status(t, "--json status --servers zk1 --connect-timeout 1s", zktest.New(t), nil)
	require.Equal(t, exitUnreachable, code)
	require.Contains(t, out, `{"quorum":false,"servers":[{"server":"zk1:2181","address":"zk1:2181","serves":false,"problem":"no connection (connection refused)"`)
	require.Equal(t, "docent: status: no server answers within 1s; check --servers, and that a majority of the servers runs\n", stderr)
}

// The rights on the root are those that the server grants. Nothing changes.
func TestStatus_rights(t *testing.T) {
	for perms, text := range map[int32]string{
		session.PermAll:                       "read, create and delete on /app",
		session.PermRead:                      "read, no right to create on /app",
		session.PermRead | session.PermCreate: "read and create, no right to delete on /app",
		session.PermWrite:                     "no right to read or create on /app",
	} {
		server := zktest.New(t)
		require.NoError(t, server.Put("/app", nil))
		require.NoError(t, server.SetACL("/app", zktest.ACL{Perms: perms, Scheme: "world", ID: "anyone"}))
		before, _ := server.Node("/app")
		code, out, stderr := status(t, "status --servers zk1/app", server, map[string]string{"zk1:2181": followerWords})
		require.Zero(t, code, stderr)
		require.Contains(t, out, "rights    "+text+"\n")
		after, _ := server.Node("/app")
		require.Equal(t, before.Stat, after.Stat)
	}
}
