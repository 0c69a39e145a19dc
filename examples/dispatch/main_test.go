package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/sessiontest"
	"github.com/docent-go/docent/zktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// buffer is the output of a console; it may be read while the console prints.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// hand is a worker's process. It records a line for each begin and end of a
// job.
type hand struct {
	*sessiontest.Process
	call *sessiontest.Call
	did  buffer
}

// startWorker runs a worker. A job takes it a second, and a "long" job half a
// minute; a job "fail-ID" fails on the worker ID.
func startWorker(w *sessiontest.World, id string) *hand {
	h := &hand{Process: w.Process()}
	wk := &worker{sm: h.Manager, id: id, log: slog.New(slog.DiscardHandler)}
	wk.work = func(ctx context.Context, job Job, progress func(int)) error {
		_, _ = h.did.Write([]byte("begin " + job.Do + "\n"))
		step := 100 * time.Millisecond
		if job.Do == "long" {
			step = 3 * time.Second // in total longer than a session lasts
		}
		err := tenSteps(step)(ctx, job, progress)
		switch {
		case errors.Is(err, ErrReplaced):
			time.Sleep(200 * time.Millisecond) // it needs a moment to stop
			_, _ = h.did.Write([]byte("drop " + job.Do + "\n"))
		case job.Do == "fail-"+id:
			return errors.New("the disk is full")
		case err == nil:
			_, _ = h.did.Write([]byte("end " + job.Do + "\n"))
		}
		return err
	}
	h.call = w.Go(func(ctx context.Context) error { return wk.run(ctx) })
	return h
}

func startConsole(w *sessiontest.World, what string) (*sessiontest.Call, *buffer) {
	p, out := w.Process(), &buffer{}
	return w.Go(func(ctx context.Context) error {
		return console(ctx, p.Manager, what, out)
	}), out
}

func TestEveryWorkerDoesTheJob(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		workers := []*hand{startWorker(w, "w1"), startWorker(w, "w2"), startWorker(w, "w3")}
		job, out := startConsole(w, "reindex")
		require.True(t, job.Running())
		require.NoError(w, job.Wait())
		for _, h := range workers {
			require.Equal(t, "begin reindex\nend reindex\n", h.did.String())
		}
		for _, line := range []string{"job 1: reindex", "w1 working 50%", "w2 working 50%", "w1 done 100%", "w2 done 100%", "w3 done 100%"} {
			require.Contains(t, out.String(), line+"\n")
		}
		// The same job again is another job. The first job's reports still
		// exist when it begins, and do not mislead the console.
		for _, h := range workers {
			h.Link.Delay(200 * time.Millisecond)
		}
		again, out := startConsole(w, "reindex")
		require.NoError(w, again.Wait())
		require.Contains(t, out.String(), "job 2: reindex\n")
		require.Equal(t, strings.Repeat("begin reindex\nend reindex\n", 2), workers[0].did.String())
		err := workers[0].call.Cancel()
		require.NoError(t, err, "a worker that is told to stop leaves without an error")
		require.Equal(t, []string{"w2", "w3"}, w.Children(workersPath))
	})
}

func TestAKilledWorkerIsNamed(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		startWorker(w, "w1")
		killed := startWorker(w, "w2")
		job, out := startConsole(w, "reindex")
		time.Sleep(350 * time.Millisecond)
		killed.Kill()
		err := job.Wait()
		require.EqualError(t, err, "the job is not done everywhere: w2 went away")
		require.Contains(t, out.String(), "w2 working 30%\n")
		require.Contains(t, out.String(), "w1 done 100%\n")
		require.Contains(t, out.String(), "w2 went away\n")
	})
}

func TestARestartedWorkerDoesWhatIsCurrent(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		first := startWorker(w, "w1")
		startWorker(w, "w2")
		job, out := startConsole(w, "long")
		time.Sleep(7 * time.Second)
		first.Kill()
		second := startWorker(w, "w1") // waits until its predecessor's node is deleted
		late := startWorker(w, "w3")
		require.Equal(t, "begin long\n", late.did.String(), "a late worker begins at once")
		require.NoError(w, job.Wait())
		require.Equal(t, "begin long\nend long\n", second.did.String())
		require.Equal(t, "begin long\nend long\n", late.did.String())
		require.Contains(t, out.String(), "w3 done 100%\n")
		for _, line := range []string{"w1 working 20%", "w1 went away", "w1 working 0%", "w1 done 100%"} {
			_, rest, found := strings.Cut(out.String(), line+"\n")
			require.True(t, found, "%q in this order", line)
			out = &buffer{}
			_, _ = out.Write([]byte(rest))
		}
	})
}

func TestAFailureIsNamed(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		startWorker(w, "w1")
		startWorker(w, "w2")
		job, _ := startConsole(w, "fail-w2")
		err := job.Wait()
		require.EqualError(t, err, "the job is not done everywhere: w2 failed: the disk is full")
	})
}

// A second job comes while the first runs. Every worker drops the first before
// it begins the second, and the console of the first learns of it.
func TestANewerJobReplacesTheOneThatRuns(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		workers := []*hand{startWorker(w, "w1"), startWorker(w, "w2")}
		first, _ := startConsole(w, "reindex")
		time.Sleep(350 * time.Millisecond)
		second, _ := startConsole(w, "vacuum")
		err := first.Wait()
		require.ErrorIs(t, err, ErrReplaced)
		require.True(t, second.Running(), "the first console does not wait for the second job")
		require.NoError(w, second.Wait())
		for _, h := range workers {
			require.Equal(t, "begin reindex\ndrop reindex\nbegin vacuum\nend vacuum\n", h.did.String())
		}
	})
}

func TestAJobCanBeWithdrawn(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		h := startWorker(w, "w1")
		job, _ := startConsole(w, "reindex")
		time.Sleep(350 * time.Millisecond)
		store := config.NewStore(w.Process().Manager, "/")
		require.NoError(t, store.Delete(w.Context(), jobPath[1:], session.AnyVersion))
		err := job.Wait()
		require.ErrorIs(t, err, ErrReplaced)
		w.Eventually(func() bool { return w.Data(workersPath+"/w1") == "{}" }, "the worker is idle")
		require.Equal(t, "begin reindex\ndrop reindex\n", h.did.String())
	})
}

// A worker that is cut off continues to work. It loses its session, and its
// node in the group. When the link is healed it joins again, with its newest
// report.
func TestAWorkerThatIsCutOffReportsWhenItIsBack(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		startWorker(w, "w1")
		cut := startWorker(w, "w2")
		job, out := startConsole(w, "long")
		time.Sleep(7 * time.Second)
		cut.Link.Cut(zktest.Both)
		time.Sleep(15 * time.Second)
		require.Contains(t, out.String(), "w2 went away\n")
		require.True(t, job.Running(), "w1 is at work")
		cut.Link.Heal()
		require.NoError(w, job.Wait())
		require.Contains(t, out.String(), "w2 done 100%\n")
		require.Equal(t, "begin long\nend long\n", cut.did.String(), "the job was done once")
	})
}

// The console loses its session and continues with the same job.
func TestTheConsoleOutlivesItsSession(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		h := startWorker(w, "w1")
		p, out := w.Process(), &buffer{}
		job := w.Go(func(ctx context.Context) error {
			return console(ctx, p.Manager, "reindex", out)
		})
		time.Sleep(350 * time.Millisecond)
		p.Expire()
		require.NoError(w, job.Wait())
		require.Equal(t, "begin reindex\nend reindex\n", h.did.String())
		require.Equal(t, 1, strings.Count(out.String(), "job 1"))
	})
}

// An unreadable job is rejected: the job under way continues.
func TestAMalformedJobChangesNothing(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		h := startWorker(w, "w1")
		job, _ := startConsole(w, "reindex")
		time.Sleep(350 * time.Millisecond)
		w.Put(jobPath, `{"do":`)
		require.NoError(w, job.Wait())
		require.Equal(t, "begin reindex\nend reindex\n", h.did.String())
	})
}

// The costs that docs/dispatch.md states.
func TestWhatADispatchCosts(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		h := startWorker(w, "w1")
		time.Sleep(time.Second)
		reports := 12 // the begin, ten steps, and the end
		w.Server.ResetCounts()
		w.Put(jobPath, `{"number":1,"do":"reindex"}`)
		time.Sleep(2 * time.Second)
		counts := w.Server.Counts()
		delete(counts, zktest.OpPing)
		delete(counts, zktest.OpMulti) // the probes of sessions with holds
		require.Equal(t, reports, counts[zktest.OpSetData])
		// The reports of the tenth step and of the end come at one instant, and
		// may be read at once.
		require.GreaterOrEqual(t, counts[zktest.OpGetData], reports)
		require.LessOrEqual(t, counts[zktest.OpGetData], reports+1)
		// Before each report the worker checks whether its node is still its
		// own.
		require.Equal(t, reports, counts[zktest.OpSync])
		require.Equal(t, reports, counts[zktest.OpExists])
		require.Len(t, counts, 4, "%v", counts)
		require.Equal(t, "begin reindex\nend reindex\n", h.did.String())
	})
}
