// Command dispatch lets an operator change one node, and every worker acts on
// the change. The operator's console shows the progress of each worker.
//
//	dispatch --id w1 worker &
//	dispatch --id w2 worker &
//	dispatch console reindex
//
// The job is a config key, /dispatch/job. Each worker is a member of the group
// /dispatch/workers and reports its progress in its payload. A worker that
// starts late does the current job. A newer job ends the previous one, on the
// workers and on the console that waits for it. docs/dispatch.md explains the
// pattern, what it promises, and its limits.
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

	"github.com/docent-go/docent/session"
)

// Paths of the job and of the group of workers.
const (
	jobPath     = "/dispatch/job"
	workersPath = "/dispatch/workers"
)

// Job is the operator's order.
type Job struct {
	Number int    `json:"number"` // for people; the zxid of the write identifies a job
	Do     string `json:"do"`
}

// Report is a worker's report. The zero Report means that the worker is idle.
type Report struct {
	Job     int64  `json:"job,omitempty"` // the zxid of the job's write
	State   State  `json:"state,omitempty"`
	Percent int    `json:"percent,omitempty"`
	Error   string `json:"error,omitempty"`
}

// State is the state of a job on one worker.
type State string

// The states of a job on a worker.
const (
	Working State = "working"
	Done    State = "done"
	Failed  State = "failed"
)

// ErrReplaced is why a job ends before it is done: a newer job replaced it, or
// it was withdrawn.
var ErrReplaced = errors.New("the job was replaced by another, or withdrawn")

func main() {
	host, _ := os.Hostname() // without a name, the process id must suffice
	servers := flag.String("servers", "127.0.0.1:2181", "ZooKeeper servers as `host:port,host:port/root`")
	id := flag.String("id", fmt.Sprintf("%s-%d", host, os.Getpid()), "name of this worker")
	step := flag.Duration("step", 500*time.Millisecond, "how long each tenth of a job takes")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := start(ctx, *servers, *id, *step, flag.Args()); err != nil {
		slog.Error("dispatch ends", "error", err)
		os.Exit(1)
	}
}

func start(ctx context.Context, servers, id string, step time.Duration, args []string) error {
	hosts, root, err := session.ParseConnect(servers)
	if err != nil {
		return err
	}
	sm, err := session.Dial(ctx, session.Config{Servers: hosts, Root: root})
	if err != nil {
		return err
	}
	defer sm.Close()
	switch {
	case len(args) == 1 && args[0] == "worker":
		w := &worker{sm: sm, id: id, work: tenSteps(step), log: slog.With("worker", id)}
		return w.run(ctx)
	case len(args) == 2 && args[0] == "console":
		return console(ctx, sm, args[1], os.Stdout)
	}
	return errors.New("usage: dispatch [flags] worker | dispatch [flags] console WHAT")
}

// tenSteps stands in for the real work. It obeys ctx, which ends when the job
// is replaced. It may be called for the same job more than once.
func tenSteps(pause time.Duration) Work {
	return func(ctx context.Context, _ Job, progress func(percent int)) error {
		for percent := 10; percent <= 100; percent += 10 {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(pause):
				progress(percent)
			}
		}
		return nil
	}
}
