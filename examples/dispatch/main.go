// Command dispatch has an operator change one node and every worker act on it,
// while the console that changed it shows how far each of them is.
//
//	dispatch --id w1 worker &
//	dispatch --id w2 worker &
//	dispatch console reindex
//
// The job is a config key, /dispatch/job; each worker is a member of the group
// /dispatch/workers and tells its progress in its payload. A worker that starts
// late does the job that is current. A newer job ends the one before it, on the
// workers and on the console that waits for it. The pattern, with what it
// promises and what not, is explained in docs/dispatch.md.
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

// Where things lie: the job that everybody is to do, and who is there to do it.
const (
	jobPath     = "/dispatch/job"
	workersPath = "/dispatch/workers"
)

// Job is what the operator wants done.
type Job struct {
	Number int    `json:"number"` // for people; what identifies a job is the zxid that wrote it
	Do     string `json:"do"`
}

// Report is what a worker tells of itself. The zero Report says that it is idle.
type Report struct {
	Job     int64  `json:"job,omitempty"` // the zxid that wrote the job
	State   State  `json:"state,omitempty"`
	Percent int    `json:"percent,omitempty"`
	Error   string `json:"error,omitempty"`
}

// State is what has become of a job on one worker.
type State string

// The states of a job on a worker.
const (
	Working State = "working"
	Done    State = "done"
	Failed  State = "failed"
)

// ErrReplaced is why a job ends before it is done: there is a newer one, or it
// was withdrawn.
var ErrReplaced = errors.New("the job was replaced by another, or withdrawn")

func main() {
	host, _ := os.Hostname() // without a name the process id alone has to do
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

// tenSteps stands for the real work. It looks at ctx, which ends when the job is
// replaced, and may be called for the same job more than once.
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
