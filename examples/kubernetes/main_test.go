package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/go-logr/logr"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/docent-go/docent/sessiontest"
	"github.com/docent-go/docent/zktest"
)

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	m.Run()
}

// replica is a replica's process.
type replica struct {
	*sessiontest.Process
	call *sessiontest.Call
}

func startReplica(w *sessiontest.World, api *apiServer, id string) replica {
	p := w.Process()
	return replica{p, w.Go(func(ctx context.Context) error { return run(ctx, p.Manager, api.config(id), id) })}
}

// greeted waits until an object has a greeting, and returns the token of the
// term that wrote it.
func greeted(w *sessiontest.World, api *apiServer, name string) int64 {
	w.Helper()
	w.Eventually(func() bool { return api.get(name).Data["greeting"] == "hello "+name }, "%s is greeted", name)
	token, err := strconv.ParseInt(api.get(name).Annotations[tokenKey], 10, 64)
	require.NoError(w, err)
	return token
}

// Two replicas run. Only the leader talks to the API server. When it is cut off
// from ZooKeeper, its manager has ended before the manager of the other begins,
// although the API server is still there. It leads again with a new manager.
func TestOneReplicaReconciles(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		api := newAPIServer(w)
		api.put("ann", map[string]string{"name": "ann"})
		a := startReplica(w, api, "a")
		b := startReplica(w, api, "b")
		first := greeted(w, api, "ann")
		require.Zero(t, api.requestsOf("b"), "b waits for its turn")

		a.Link.Cut(zktest.ToServer)
		w.Eventually(func() bool { return api.requestsOf("b") > 0 }, "b leads")
		api.put("ben", map[string]string{"name": "ben"})
		second := greeted(w, api, "ben")
		require.Greater(t, second, first)

		a.Link.Heal()
		require.NoError(t, b.call.Cancel(), "b ends in an orderly way")
		api.put("cyd", map[string]string{"name": "cyd"})
		require.Greater(t, greeted(w, api, "cyd"), second)
		require.Equal(t, []string{"a", "b", "a"}, api.writers())
		require.NoError(t, a.call.Cancel())
	})
}

// A replica that was paused after its read writes late. The object has changed
// since, or has the token of a later term.
func TestALateWriteIsRefused(t *testing.T) {
	stored := &corev1.ConfigMap{Data: map[string]string{"name": "ann"}}
	stored.Name, stored.Namespace = "ann", "default"
	request := reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "default", Name: "ann"}}
	cluster := fake.NewClientBuilder().WithObjects(stored).Build()
	next := &greeter{client: cluster, token: 8}
	late := &greeter{client: afterGet{cluster, func() {
		_, err := next.Reconcile(t.Context(), request)
		require.NoError(t, err)
	}}, token: 7}
	_, err := late.Reconcile(t.Context(), request)
	require.True(t, apierrors.IsConflict(err), "%v", err)

	var c corev1.ConfigMap
	require.NoError(t, cluster.Get(t.Context(), request.NamespacedName, &c))
	require.Equal(t, "8", c.Annotations[tokenKey])
	c.Data["name"] = "ben"
	require.NoError(t, cluster.Update(t.Context(), &c))
	_, err = (&greeter{client: cluster, token: 7}).Reconcile(t.Context(), request)
	require.ErrorContains(t, err, "another replica leads")
	require.NoError(t, cluster.Get(t.Context(), request.NamespacedName, &c))
	require.Equal(t, "hello ann", c.Data["greeting"])
}

// afterGet calls pause after each Get.
type afterGet struct {
	client.Client
	pause func()
}

func (g afterGet) Get(ctx context.Context, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	err := g.Client.Get(ctx, key, o, opts...)
	g.pause()
	return err
}

// The probes depend on the start alone.
func TestProbes(t *testing.T) {
	var p probes
	status := func(path string) int {
		w := httptest.NewRecorder()
		p.handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code
	}
	require.Equal(t, http.StatusOK, status("/healthz"))
	require.Equal(t, http.StatusServiceUnavailable, status("/readyz"))
	p.ready.Store(true)
	require.Equal(t, http.StatusOK, status("/readyz"))
}
