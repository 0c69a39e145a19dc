package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// lead runs a manager until ctx ends. A manager starts only once, so each term
// makes a new one. Its caches begin empty.
func lead(ctx context.Context, cluster *rest.Config, token int64) error {
	wait, repeated := time.Duration(-1), true
	m, err := manager.New(cluster, manager.Options{
		LeaderElection: false, // this function is called by the leader alone
		// Start returns after every reconciler has returned. With a timeout it
		// would return while one runs, and the next term would begin.
		GracefulShutdownTimeout: &wait,
		// Each term adds a controller of the same name.
		Controller: config.Controller{SkipNameValidation: &repeated},
		// These servers would run in the leader alone.
		Metrics:                metrics.Options{BindAddress: "0"},
		HealthProbeBindAddress: "0",
	})
	if err != nil {
		return err
	}
	err = builder.ControllerManagedBy(m).Named("greeter").For(&corev1.ConfigMap{}).
		Complete(&greeter{client: m.GetClient(), token: token})
	if err != nil {
		return err
	}
	return m.Start(ctx)
}

// tokenKey is the annotation with the token of the term that wrote last.
const tokenKey = "docent.example/token"

// greeter greets each ConfigMap that has a name in its data. It stands in for a
// real controller.
type greeter struct {
	client client.Client
	token  int64
}

// Reconcile implements reconcile.Reconciler. The ctx ends with the term.
//
// Update sends the resource version that Get has read. So the API server
// rejects the update of a replica that was paused, if the object has changed
// since. A patch without a resource version would succeed.
func (g *greeter) Reconcile(ctx context.Context, r reconcile.Request) (reconcile.Result, error) {
	var c corev1.ConfigMap
	if err := g.client.Get(ctx, r.NamespacedName, &c); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	greeting := "hello " + c.Data["name"]
	if c.Data["name"] == "" || c.Data["greeting"] == greeting {
		return reconcile.Result{}, nil
	}
	if last, err := strconv.ParseInt(c.Annotations[tokenKey], 10, 64); err == nil && last > g.token {
		return reconcile.Result{}, reconcile.TerminalError(
			fmt.Errorf("%v was written in term %d, and this is term %d: another replica leads", r.NamespacedName, last, g.token))
	}
	if c.Annotations == nil {
		c.Annotations = make(map[string]string)
	}
	c.Annotations[tokenKey] = strconv.FormatInt(g.token, 10)
	c.Data["greeting"] = greeting
	return reconcile.Result{}, g.client.Update(ctx, &c)
}
