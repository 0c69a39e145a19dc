//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

func TestMain(m *testing.M) { ensemble.Main(m) }

// TestFencing runs everything on one server of each kind: they start slowly.
func TestFencing(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	s := servers{postgres: startPostgres(t), redis: startRedis(t), zookeeper: ensemble.Start(t, 1)}
	t.Run("stores", s.keepTheirPromises)
	t.Run("begin waits for a write that has passed the check", s.beginWaits)
	t.Run("a stopped transaction ends", s.aStoppedTransactionEnds)
	t.Run("bad flags", s.badFlags)
	t.Run("a stopped worker is refused", s.aStoppedWorkerIsRefused)
}

// A worker is stopped while it holds the lock, until its session has expired
// and another worker has written. When it continues, it writes on, and the
// store rejects that.
func (s servers) aStoppedWorkerIsRefused(t *testing.T) {
	postgres, redis := s.postgres.database(t), s.redis+"?db=1"
	program := filepath.Join(t.TempDir(), "fencing")
	built, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, "%s", built)
	sql := connect(t, postgres)
	cache := client(t, redis)

	// Each returns the number and the worker that wrote it.
	for name, last := range map[string]func(t *testing.T) (n int64, worker string){
		"column": func(t *testing.T) (n int64, worker string) {
			require.NoError(t, sql.QueryRow(t.Context(), `SELECT n, worker FROM counters`).Scan(&n, &worker))
			return n, worker
		},
		"table": func(t *testing.T) (n int64, worker string) {
			var late int
			require.NoError(t, sql.QueryRow(t.Context(), `
				SELECT count(*) FROM journal AS late JOIN journal AS next ON late.n > next.n AND late.token < next.token`).Scan(&late))
			require.Zero(t, late, "rows of an earlier holder after those of a later one")
			require.NoError(t, sql.QueryRow(t.Context(), `SELECT n, worker FROM journal ORDER BY n DESC LIMIT 1`).Scan(&n, &worker))
			return n, worker
		},
		"redis": func(t *testing.T) (n int64, worker string) {
			row := struct {
				N      int64  `redis:"n"`
				Worker string `redis:"worker"`
			}{}
			require.NoError(t, cache.HGetAll(t.Context(), redisKey).Scan(&row))
			return row.N, row.Worker
		},
	} {
		t.Run(name, func(t *testing.T) {
			store, guard := postgres, name
			if name == "redis" {
				store, guard = redis, "column"
			}
			worker := func(id string, args ...string) *ensemble.Cmd {
				return ensemble.Exec(t, nil, program, append([]string{"--servers", s.zookeeper.ConnectString() + "/" + name,
					"--store", store, "--guard", guard, "--id", id, "--every", "50ms", "--timeout", "1500ms"}, args...)...)
			}
			a := worker("a", "--careless")
			a.WaitLine("INFO wrote .* n=3", patience)
			a.Signal(syscall.SIGSTOP)
			before, _ := last(t)
			b := worker("b")
			b.WaitLine("INFO holds", patience) // the session of a has expired
			b.WaitLine("INFO wrote", patience)

			a.Signal(syscall.SIGCONT)
			a.WaitLine("WARN refused", patience)
			_, who := last(t)
			require.Equal(t, "b", who)
			b.Signal(os.Interrupt)
			require.Zero(t, b.Wait(patience), "%s", b.Stderr())
			after, who := last(t)
			require.Equal(t, "b", who)
			require.Greater(t, after, before)
			a.WaitLine("INFO holds .* n="+strconv.FormatInt(after, 10), patience) // a continues where b has ended
			a.WaitLine("INFO wrote", patience)
			a.Signal(os.Interrupt)
			require.Zero(t, a.Wait(patience), "%s", a.Stderr())
		})
	}
}
