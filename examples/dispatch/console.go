package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/session"
)

// console publishes a job and follows it until every present worker has
// finished. The error names the workers that failed or went away, or is
// ErrReplaced.
func console(ctx context.Context, sm *session.Manager, what string, out io.Writer) error {
	job, err := openJob(ctx, sm)
	if err != nil {
		return err
	}
	defer job.Close()
	// Update compares and sets: of two consoles at the same time, each has a
	// job of its own. The zxid of the write tells the jobs apart.
	ours, err := job.Update(ctx, func(last Job) (Job, error) {
		return Job{Number: last.Number + 1, Do: what}, nil
	})
	if err != nil {
		return fmt.Errorf("publish the job: %w", err)
	}
	fmt.Fprintf(out, "job %d: %s\n", ours.Value.Number, what)

	ctx, cancel := context.WithCancelCause(ctx)
	var following sync.WaitGroup
	defer following.Wait()
	defer cancel(nil)
	following.Go(func() {
		for now, err := range job.Changes(ctx) {
			if err == nil && now.Zxid != ours.Zxid {
				cancel(ErrReplaced)
			}
		}
	})

	p := progress{job: ours.Zxid, out: out, workers: make(map[string]outcome)}
	for change, err := range groupmembership.NewGroup(sm, workersPath).Changes(ctx) {
		switch {
		case errors.Is(err, session.ErrClosed):
			return err
		case err != nil:
			slog.Warn("the progress of the workers is unknown for now", "error", err)
			continue
		}
		for _, e := range change.Events {
			p.see(e)
		}
		if p.over() {
			return p.result()
		}
	}
	return context.Cause(ctx)
}

// progress is what the console knows of a job.
type progress struct {
	job     int64
	out     io.Writer
	workers map[string]outcome
}

// outcome is the result of the job on one worker.
type outcome struct {
	over    bool
	trouble string // empty if all is well
}

func (p *progress) see(e groupmembership.Event) {
	id := e.Member.ID
	if e.Kind == groupmembership.Left {
		if !p.workers[id].over {
			p.workers[id] = outcome{over: true, trouble: id + " went away"}
			fmt.Fprintf(p.out, "%s went away\n", id)
		}
		return
	}
	var r Report
	if err := json.Unmarshal(e.Member.Payload, &r); err != nil {
		slog.Warn("a report cannot be read", "worker", id, "error", err)
	}
	switch {
	case r.Job != p.job: // the worker has not begun
		p.workers[id] = outcome{}
	case r.State == Failed:
		p.workers[id] = outcome{over: true, trouble: id + " failed: " + r.Error}
		fmt.Fprintf(p.out, "%s failed: %s\n", id, r.Error)
	default:
		p.workers[id] = outcome{over: r.State == Done}
		fmt.Fprintf(p.out, "%s %s %d%%\n", id, r.State, r.Percent)
	}
}

// over reports whether there are workers, and all of them have finished.
func (p *progress) over() bool {
	for _, w := range p.workers {
		if !w.over {
			return false
		}
	}
	return len(p.workers) > 0
}

func (p *progress) result() error {
	var trouble []string
	for _, id := range slices.Sorted(maps.Keys(p.workers)) {
		if t := p.workers[id].trouble; t != "" {
			trouble = append(trouble, t)
		}
	}
	if trouble == nil {
		return nil
	}
	return fmt.Errorf("the job is not done everywhere: %s", strings.Join(trouble, ", "))
}
