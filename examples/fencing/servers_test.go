//go:build unix

package main

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

const patience = time.Minute // maximum wait for an event that must happen

// servers are what the tests share.
type servers struct {
	postgres  cluster
	redis     string // its URL, without the number of a database
	zookeeper *ensemble.Ensemble
}

// cluster is the directory with the socket of a PostgreSQL server.
type cluster string

// find returns the path of a program on PATH, or the greatest that the pattern
// matches. If the program is missing, it skips the test. With CI=true it fails the test
// instead.
func find(t *testing.T, name, pattern, debian string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	found, err := filepath.Glob(pattern)
	require.NoError(t, err)
	if len(found) > 0 {
		return slices.Max(found)
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("CI=true forbids skipping: there is no %s (Debian: apt-get install %s)", name, debian)
	}
	t.Skipf("there is no %s (Debian: apt-get install %s)", name, debian)
	return ""
}

// shortDir makes a directory whose path is short enough for a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fencing-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// startPostgres starts a server on a socket.
func startPostgres(t *testing.T) cluster {
	t.Helper()
	initdb := find(t, "initdb", "/usr/lib/postgresql/*/bin/initdb", "postgresql")
	dir := shortDir(t)
	run := func(args ...string) *ensemble.Cmd { return ensemble.Exec(t, nil, args[0], args[1:]...) }
	if os.Geteuid() == 0 { // root may not run the server
		account, err := user.Lookup("postgres")
		require.NoError(t, err)
		uid, err := strconv.Atoi(account.Uid)
		require.NoError(t, err)
		require.NoError(t, os.Chown(dir, uid, -1))
		run = func(args ...string) *ensemble.Cmd {
			return ensemble.Exec(t, nil, "setpriv", append([]string{
				"--reuid", account.Uid, "--regid", account.Gid, "--init-groups", "--pdeathsig", "KILL", "--"}, args...)...)
		}
	}
	data := filepath.Join(dir, "data")
	made := run(initdb, "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
	require.Zero(t, made.Wait(patience), "%s", made.Stderr())
	server := run(filepath.Join(filepath.Dir(initdb), "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off")
	t.Cleanup(func() { // a server that is killed leaves shared memory behind
		server.Signal(syscall.SIGINT)
		server.Wait(patience)
	})
	server.WaitLine("ready to accept connections", patience)
	return cluster(dir)
}

// url returns the URL of a database.
func (c cluster) url(name string) string {
	return "postgres:///" + name + "?user=postgres&host=" + url.QueryEscape(string(c))
}

// database makes a database with the tables of schema.sql, and returns its URL.
func (c cluster) database(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("test%d", time.Now().UnixNano())
	_, err := connect(t, c.url("postgres")).Exec(t.Context(), "CREATE DATABASE "+name)
	require.NoError(t, err)
	dsn := c.url(name)
	schema, err := os.ReadFile("schema.sql")
	require.NoError(t, err)
	_, err = connect(t, dsn).Exec(t.Context(), string(schema))
	require.NoError(t, err)
	return dsn
}

// connect opens a connection that ends with the test.
func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(ensemble.Within(t, patience), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close(ensemble.Within(t, patience))) })
	return conn
}

// startRedis starts a server on a socket, and returns its URL.
func startRedis(t *testing.T) string {
	t.Helper()
	program := find(t, "redis-server", "/usr/bin/redis-server", "redis-server")
	dir := shortDir(t)
	socket := filepath.Join(dir, "redis.sock")
	server := ensemble.Exec(t, nil, program, "--port", "0", "--unixsocket", socket, "--dir", dir, "--save", "", "--appendonly", "no")
	server.WaitLine("ready to accept connections", patience)
	return "unix://" + socket
}

// client opens a client that ends with the test.
func client(t *testing.T, store string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(store)
	require.NoError(t, err)
	c := redis.NewClient(options)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}
