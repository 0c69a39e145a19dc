// Command kubernetes is a controller that runs on one of its replicas: an
// election in ZooKeeper chooses which. It needs no Lease, and every write can
// carry the token of the term.
//
//	kubernetes --servers zk-0:2181,zk-1:2181,zk-2:2181 --probes :8081
//
// It takes the cluster from --kubeconfig, from KUBECONFIG, or from the pod that
// it runs in.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/session"
)

func main() {
	host, _ := os.Hostname() // without a name, the process id must suffice
	servers := flag.String("servers", "127.0.0.1:2181", "ZooKeeper servers as `host:port,host:port/root`")
	id := flag.String("id", fmt.Sprintf("%s-%d", host, os.Getpid()), "name of this replica")
	probes := flag.String("probes", ":8081", "`address` of /healthz and /readyz")
	flag.Parse() // with --kubeconfig, which the package config adds
	log.SetLogger(logr.FromSlogHandler(slog.Default().Handler()))

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := start(ctx, *servers, *id, *probes); err != nil {
		slog.Error("the controller ends", "error", err)
		os.Exit(1)
	}
}

func start(ctx context.Context, servers, id, address string) error {
	hosts, root, err := session.ParseConnect(servers)
	if err != nil {
		return err
	}
	cluster, err := config.GetConfig()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	var p probes
	server := &http.Server{Handler: p.handler()}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	defer func() {
		_ = server.Close() // the probes have no answer to lose
		<-failed
	}()

	sm, err := session.Dial(ctx, session.Config{Servers: hosts, Root: root})
	if err != nil {
		return err
	}
	defer sm.Close()
	p.ready.Store(true)
	return run(ctx, sm, cluster, id)
}

// run leads again and again until ctx ends, or a term fails.
func run(ctx context.Context, sm *session.Manager, cluster *rest.Config, id string) error {
	e := election.New(sm, "/leaders/greeter", election.ID(id))
	err := e.Run(ctx, func(ctx context.Context, t *election.Term) error {
		slog.Info("leads", "replica", id, "token", t.Token())
		err := lead(ctx, cluster, t.Token())
		slog.Info("leads no more", "replica", id, "token", t.Token(), "cause", context.Cause(ctx), "error", err)
		return err
	})
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil // lead has returned
	}
	return err
}

// probes answer the kubelet. They outlive the managers: a replica that waits
// for its turn is alive and ready, or a rollout would never end.
//
// Neither probe looks at ZooKeeper after the start. If it does not answer, no
// replica leads, and a restart of the pods does not help.
type probes struct {
	ready atomic.Bool // the first session has begun
}

func (p *probes) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !p.ready.Load() {
			http.Error(w, "no session with ZooKeeper yet", http.StatusServiceUnavailable)
		}
	})
	return mux
}
