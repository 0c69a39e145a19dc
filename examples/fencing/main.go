// Command fencing counts up a number in PostgreSQL or Redis while it holds a
// lock. The store rejects a worker that has lost the lock and does not know it
// yet, by the token of the lock.
//
//	psql -f schema.sql postgres:///app
//	fencing --store postgres:///app --id a --careless &
//	fencing --store postgres:///app --id b &
//	kill -STOP %1   # b takes over when the session of a has expired
//	kill -CONT %1   # a writes on, and is rejected
//
// A worker looks at its context before it writes. If it is stopped between the
// look and the write, the write comes late. That rarely happens when you try
// it, so --careless leaves out the look.
//
// The files postgres.go and redis.go have what there is to copy.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

func main() {
	host, _ := os.Hostname() // without a name, the process id must suffice
	id := fmt.Sprintf("%s-%d", host, os.Getpid())
	var s settings
	flag.StringVar(&s.servers, "servers", "127.0.0.1:2181", "ZooKeeper servers as `host:port,host:port/root`")
	flag.StringVar(&s.store, "store", "", "`URL` of the store: postgres://..., redis://... or unix:///path/to/redis.sock")
	flag.StringVar(&s.guard, "guard", "column", "where PostgreSQL keeps the token: `column` or table")
	flag.StringVar(&s.id, "id", id, "name of this worker")
	flag.DurationVar(&s.every, "every", time.Second, "time between two writes")
	flag.DurationVar(&s.timeout, "timeout", 10*time.Second, "session timeout")
	flag.BoolVar(&s.careless, "careless", false, "write on after the lock is lost")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := start(ctx, s); err != nil {
		slog.Error("fencing ends", "error", err)
		os.Exit(1)
	}
}

type settings struct {
	servers, store, guard, id string
	every, timeout            time.Duration
	careless                  bool
}

func start(ctx context.Context, s settings) (err error) {
	if s.every <= 0 {
		return fmt.Errorf("--every %v is not positive: give a time such as 1s", s.every)
	}
	hosts, root, err := session.ParseConnect(s.servers)
	if err != nil {
		return err
	}
	store, err := openStore(ctx, s.store, s.guard)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	sm, err := session.Dial(ctx, session.Config{Servers: hosts, Root: root, Timeout: s.timeout})
	if err != nil {
		return err
	}
	defer sm.Close()
	w := &worker{
		id: s.id, every: s.every, careless: s.careless, store: store, log: slog.With("worker", s.id),
		mutex: lock.NewMutex(sm, "/fencing/orders", lock.ID(s.id)),
	}
	return w.run(ctx)
}
