package lock

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/oneline"
	"github.com/docent-go/docent/internal/base/stamp"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
)

// Run is a run that Once.Start has begun. It is a Hold: its context ends before
// any other replica can begin a run. Its Token is greater than the token of
// every earlier run. Its Guard lets a transaction pass only while the run
// lasts.
type Run struct {
	Hold
	o    *Once
	s    *core.Session
	node *core.Node
	// began is the record as the run's beginning has written it.
	began   record
	version int32 // of the record's znode
	called  time.Time

	recorded atomic.Bool // the end was written
}

func newRun(c *caller, h *core.Hold, v view) *Run {
	began := v.record
	began.Began = v.stat.Mtime
	return &Run{
		Hold: Hold{Hold: bridge.Hold(h)}, o: c.o, s: c.s, node: c.Node, began: began, version: v.stat.Version,
		called: stamp.Millis(began.Called),
	}
}

func (r *Run) made() { misuse.ZeroValue(r == nil || r.o == nil, "or nil lock.Run", "Once.Start") }

func (r *Run) core() *core.Hold { return bridge.CoreHold(&r.Hold.Hold) }

// Called returns when the call came that began the run, by the clock of the
// ensemble's leader. The runs of a job have different times, so the time identifies the
// interval. A rerun has the time of the run that it replaces.
func (r *Run) Called() time.Time {
	r.made()
	return r.called
}

// End ends the run: first its context, then, in one transaction, its record and
// its znode. The record says that the run is done if failure is nil, and that
// it failed otherwise. The text of failure is not recorded.
//
// End needs no context: it takes at most as long as the session can last
// without a server. It may be called any number of times, late and
// concurrently; the first call counts, and all return the same error. The error
// is nil if the end was recorded. It matches session.ErrLost if the run was
// lost before: other replicas see a lost run.
func (r *Run) End(failure error) error {
	r.made()
	ended := r.began
	ended.State = RunDone
	if failure != nil {
		ended.State = RunFailed
	}
	return core.Failed("end run", r.o.path, r.end(ended.encode()))
}

// Release ends the run and records it as failed.
func (r *Run) Release() error {
	r.made()
	return r.End(core.ErrReleased)
}

// end ends the hold and writes the record.
func (r *Run) end(data []byte) error {
	err := r.core().ReleaseBy(func(lost error) error {
		if lost != nil {
			return r.node.Remove(context.Background()) // which ends with the session
		}
		err := r.write(data)
		if err == nil || errors.Is(err, core.ErrLost) {
			r.recorded.Store(err == nil)
			return err
		}
		if removed := r.node.Remove(context.Background()); removed != nil {
			err = oneline.Join(err, removed)
		}
		return err
	})
	if err == nil && !r.recorded.Load() {
		return errReleased
	}
	return err
}

// errReleased says that the embedded Hold was released instead of the Run.
var errReleased = fmt.Errorf("%w: its Hold was released before, which records nothing: call End", errNotRecorded)

// errRecordChanged says that another client has written to the record, or has
// deleted it and created it again.
var errRecordChanged = errors.New("the end of the run is not recorded: " +
	"another program has changed the record since the run began")

// write writes the record and deletes the run's znode. It repeats the
// transaction until it is known to be done or refused, or until the session
// ends. The transaction names the version that the run's beginning has left, so
// it is done at most once.
func (r *Run) write(data []byte) error {
	ctx := context.Background() // every request ends with the session
	var doubt error             // of an attempt that may have been done
	for n := 0; ; n++ {
		if err := backoff.Lost.Wait(ctx, n-2); err != nil {
			return err
		}
		_, err := r.s.Txn(ctx, core.SetOp(r.o.path, data, r.version), core.DeleteOp(r.Path(), core.AnyVersion))
		op, refused := core.RefusedOp(err)
		switch {
		case err == nil:
			return nil
		case core.InDoubt(err) && !errors.As(err, new(*core.CodeError)):
			doubt = err
			continue
		case core.InDoubt(err), refused && op == 0 && (errors.Is(err, core.ErrBadVersion) || errors.Is(err, core.ErrNoNode)):
			done, looked := r.written(ctx, data, doubt != nil)
			switch {
			case looked != nil:
				err = looked
			case done:
				return nil
			case refused:
				// The next run may have changed it, after this run's znode was
				// deleted. The server shows that: it has the transaction that
				// was rejected later.
				_, found, look := r.s.Exists(ctx, r.Path())
				switch {
				case look != nil:
					err = look
				case found:
					return errRecordChanged
				default:
					err = core.ErrDeleted
				}
			}
		case refused && op == 1 && errors.Is(err, core.ErrNoNode):
			err = core.ErrDeleted
		}
		if errors.Is(err, core.ErrSessionEnded) {
			return core.Worded(fmt.Sprintf("%v: the run was lost: %v", errNotRecorded, r.s.Err()), core.ErrLost, err)
		}
		return fmt.Errorf("%w: %w", errNotRecorded, err)
	}
}

var errNotRecorded = errors.New("the end of the run is not recorded")

// written reports whether an attempt with an unknown outcome was done. If it
// was, and the next run has begun since, the record holds something else, but
// the run's znode is gone.
func (r *Run) written(ctx context.Context, data []byte, doubt bool) (bool, error) {
	now, _, err := r.s.Get(ctx, r.o.path)
	if err == nil && bytes.Equal(now, data) {
		return true, nil
	}
	switch {
	case err != nil && !errors.Is(err, core.ErrNoNode):
		return false, err
	case !doubt:
		return false, nil
	}
	_, found, err := r.s.Exists(ctx, r.Path())
	return err == nil && !found, err
}
