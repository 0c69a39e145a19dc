// Command workerpool divides a fixed number of partitions among the present
// workers. Start it on as many machines as you like, and stop any of them at
// any time.
//
//	workerpool --id a --partitions 8 &
//	workerpool --id b --partitions 8 &
//
// A partition is a share of the work, such as the rows with hash(id) % 8 == 3,
// or the third of eight queues. Exactly one worker works on each partition. A
// new worker takes over its share. The share of a dead worker goes to the
// others when its session has expired. No worker works on a partition before
// its previous worker has released it. In case a worker was paused, the
// partition's token tells a store which worker came later. The scheduler
// example shows a store that rejects old tokens.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/session"
)

func main() {
	host, _ := os.Hostname() // without a name, the process id must suffice
	servers := flag.String("servers", "127.0.0.1:2181", "ZooKeeper servers as `host:port,host:port/root`")
	id := flag.String("id", fmt.Sprintf("%s-%d", host, os.Getpid()), "name of this worker")
	partitions := flag.Int("partitions", 8, "number of partitions: the same for all workers")
	every := flag.Duration("every", time.Second, "time between two checks for work in a partition")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	w := &worker{id: *id, partitions: *partitions, every: *every, log: slog.With("worker", *id), work: report}
	if err := start(ctx, *servers, w); err != nil {
		slog.Error("workerpool ends", "error", err)
		os.Exit(1)
	}
}

func start(ctx context.Context, servers string, w *worker) error {
	hosts, root, err := session.ParseConnect(servers)
	if err != nil {
		return err
	}
	sm, err := session.Dial(ctx, session.Config{Servers: hosts, Root: root})
	if err != nil {
		return err
	}
	defer sm.Close()
	return w.run(ctx, sm)
}

// report stands in for the real work. It does the work of one partition, passes
// the token to every store that it writes to, and returns soon after ctx has
// ended.
func report(ctx context.Context, partition int, token int64) error {
	slog.InfoContext(ctx, "works", "partition", partition, "token", token)
	return nil
}

// worker is one worker of the pool.
type worker struct {
	id         string
	partitions int
	every      time.Duration
	log        *slog.Logger
	work       func(ctx context.Context, partition int, token int64) error
}

// run works on this worker's partitions until ctx ends, and releases them.
func (w *worker) run(ctx context.Context, sm *session.Manager) error {
	pool := groupmembership.NewPartitioner(sm, "/workerpool", w.partitions)
	if err := pool.Run(ctx, w.id, w.partition); ctx.Err() == nil {
		return err
	}
	return nil // ctx has ended, and partition, which returns no error, has returned
}

// partition works on one partition until it goes to another worker, or is lost.
// Failed work is tried again: returning its error would end the worker.
func (w *worker) partition(ctx context.Context, p *groupmembership.Partition) error {
	log := w.log.With("partition", p.Number, "token", p.Token())
	log.Info("acquired the partition")
	look := time.NewTicker(w.every)
	defer look.Stop()
	for {
		if err := w.work(ctx, p.Number, p.Token()); err != nil && ctx.Err() == nil {
			log.Error("the work failed", "error", err)
		}
		select {
		case <-ctx.Done():
			log.Info("releases the partition", "cause", context.Cause(ctx))
			return nil
		case <-look.C:
		}
	}
}
