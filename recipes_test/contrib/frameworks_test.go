//go:build unix

package contrib

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/go-co-op/gocron/v2"
	"github.com/go-kratos/kratos/v2/registry"
	"github.com/go-zookeeper/zk"
	"github.com/google/uuid"
	"github.com/knadh/koanf/v2"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	docentgocron "github.com/docent-go/docent/contrib/gocron"
	docentkoanf "github.com/docent-go/docent/contrib/koanf"
	docentkratos "github.com/docent-go/docent/contrib/kratos"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// The modules for schedulers and frameworks work on real servers. Their faults
// are tested in virtual time, next to their code.
func TestFrameworks(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 1)
	dial := func() *session.Manager {
		return ensemble.Dial(t, patience, session.Config{Servers: e.Addrs(), Timeout: timeout})
	}
	t.Run("gocron", func(t *testing.T) { jobOnThreeSchedulers(t, dial) })
	t.Run("koanf", func(t *testing.T) { treeOfKeys(t, dial()) })
	t.Run("kratos", func(t *testing.T) { foreignInstances(t, e, dial()) })
}

// Three schedulers begin the job at once. It runs on one of them.
func jobOnThreeSchedulers(t *testing.T, dial func() *session.Manager) {
	ended := make(chan error, 3)
	for range 3 {
		s, err := gocron.NewScheduler()
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Shutdown()) })
		job := docentgocron.NewJob(dial(), "/jobs/report", time.Hour)
		_, err = s.NewJob(gocron.OneTimeJob(gocron.OneTimeJobStartImmediately()),
			job.Task(func(context.Context, *lock.Run) error { return nil }), job.Option(),
			gocron.WithEventListeners(
				gocron.AfterJobRuns(func(uuid.UUID, string) { ended <- nil }),
				gocron.AfterJobRunsWithError(func(_ uuid.UUID, _ string, err error) { ended <- err }),
				gocron.AfterLockError(func(_ uuid.UUID, _ string, err error) { ended <- err })))
		require.NoError(t, err)
		s.Start()
	}
	var ran int
	for range 3 {
		if err := <-ended; err == nil {
			ran++
		} else {
			require.ErrorIs(t, err, lock.ErrNotDue)
		}
	}
	require.Equal(t, 1, ran)
}

// koanf reads what a Store publishes.
func treeOfKeys(t *testing.T, sm *session.Manager) {
	store := config.NewStore(sm, "/config")
	_, err := store.Put(t.Context(), "db/port", []byte("5432"))
	require.NoError(t, err)
	p, err := docentkoanf.OpenTree(t.Context(), sm, "/config", docentkoanf.Text())
	require.NoError(t, err)
	defer p.Close()
	changed := make(chan error, 8)
	k := koanf.New(".")
	require.NoError(t, k.Load(p, nil))
	require.Equal(t, 5432, k.Int("db.port"))
	require.NoError(t, p.Watch(func(_ any, err error) { changed <- err }))
	_, err = store.Put(t.Context(), "db/port", []byte("5433"))
	require.NoError(t, err)
	require.NoError(t, <-changed)
	require.NoError(t, k.Load(p, nil))
	require.Equal(t, 5433, k.Int("db.port"))
}

// Another client does what kratos's own registry does: it creates the
// directories and an ephemeral znode with the JSON, and lists and reads the
// instances of others.
func foreignInstances(t *testing.T, e *ensemble.Ensemble, sm *session.Manager) {
	conn, _, err := zk.Connect(e.Addrs(), timeout, zk.WithLogInfo(false))
	require.NoError(t, err)
	defer conn.Close()
	theirs := &registry.ServiceInstance{ID: "a", Name: "orders", Endpoints: []string{"grpc://10.0.0.1:9000"}}
	ours := &registry.ServiceInstance{ID: "b", Name: "orders", Metadata: map[string]string{"zone": "x"}}
	data, err := json.Marshal(theirs)
	require.NoError(t, err)
	for _, dir := range []string{docentkratos.Base, docentkratos.Base + "/orders"} {
		_, err := conn.Create(dir, nil, 0, zk.WorldACL(zk.PermAll))
		require.NoError(t, err)
	}
	_, err = conn.Create(docentkratos.Base+"/orders/a", data, zk.FlagEphemeral, zk.WorldACL(zk.PermAll))
	require.NoError(t, err)

	r := docentkratos.New(sm)
	defer r.Close()
	require.NoError(t, r.Register(t.Context(), ours))
	all, err := r.GetService(t.Context(), "orders")
	require.NoError(t, err)
	require.Equal(t, []*registry.ServiceInstance{theirs, ours}, all)

	data, _, err = conn.Get(docentkratos.Base + "/orders/b")
	require.NoError(t, err)
	var read *registry.ServiceInstance
	require.NoError(t, json.Unmarshal(data, &read))
	require.Equal(t, ours, read)
	require.NoError(t, r.Deregister(t.Context(), ours))
	_, _, err = conn.Get(docentkratos.Base + "/orders/b")
	require.True(t, errors.Is(err, zk.ErrNoNode), "%v", err)
}
