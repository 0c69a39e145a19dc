package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/session"
)

// Work does a job. Its ctx ends, with the cause ErrReplaced, when the job is
// replaced or withdrawn. Work has to return soon then, because the next job
// waits for it. A restarted worker may get the same job again.
type Work func(ctx context.Context, job Job, progress func(percent int)) error

type worker struct {
	sm   *session.Manager
	id   string
	work Work
	log  *slog.Logger
	me   *groupmembership.Membership
}

// run does the current job, and each job that replaces it, until ctx ends.
func (w *worker) run(ctx context.Context) (err error) {
	job, err := openJob(ctx, w.sm)
	if err != nil {
		return err
	}
	defer job.Close()
	w.me, err = groupmembership.NewGroup(w.sm, workersPath).Join(ctx, w.id, encode(Report{}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.me.Leave(context.Background())) }()

	current, stop := int64(0), func() {}
	defer func() { stop() }()
	for snap, err := range job.Changes(ctx) {
		switch {
		case errors.Is(err, session.ErrClosed):
			return err
		case err != nil:
			w.log.Warn("a job is rejected, the previous one continues", "error", err)
		case snap.Zxid != current: // another job, or the same job written again
			stop()
			if current, stop = snap.Zxid, func() {}; snap.Exists {
				stop = w.begin(ctx, snap)
			} else {
				w.report(ctx, Report{})
			}
		}
	}
	return nil // ctx has ended
}

// begin starts a job. stop ends the job and waits for its end.
func (w *worker) begin(ctx context.Context, job *config.Snapshot[Job]) (stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.log.Info("the job begins", "number", job.Value.Number, "do", job.Value.Do)
		w.report(ctx, Report{Job: job.Zxid, State: Working})
		err := w.work(ctx, job.Value, func(percent int) {
			w.report(ctx, Report{Job: job.Zxid, State: Working, Percent: percent})
		})
		switch {
		case ctx.Err() != nil:
			w.log.Info("the job was dropped", "number", job.Value.Number, "cause", context.Cause(ctx))
		case err != nil:
			w.log.Error("the job failed", "number", job.Value.Number, "error", err)
			w.report(ctx, Report{Job: job.Zxid, State: Failed, Error: err.Error()})
		default:
			w.log.Info("the job is done", "number", job.Value.Number)
			w.report(ctx, Report{Job: job.Zxid, State: Done, Percent: 100})
		}
	}()
	return func() {
		cancel(ErrReplaced)
		<-ended
	}
}

// report updates the worker's payload. The work does not wait for ZooKeeper:
// during an outage the newest report is kept, and written afterwards.
func (w *worker) report(ctx context.Context, r Report) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := w.me.UpdatePayload(ctx, encode(r)); err != nil {
		w.log.Warn("the report is late", "error", err)
	}
}

func openJob(ctx context.Context, sm *session.Manager) (*config.Value[Job], error) {
	return config.Open(ctx, sm, jobPath, config.JSON[Job](), config.Default(Job{}))
}

func encode(r Report) []byte {
	data, err := json.Marshal(r)
	if err != nil {
		panic(fmt.Sprintf("a Report is always JSON: %v", err))
	}
	return data
}
