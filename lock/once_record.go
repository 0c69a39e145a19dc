package lock

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/docent-go/docent/internal/base/stamp"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/internal/recipe/recognise"
	"github.com/docent-go/docent/session"
)

// RunState is how far a run has come.
type RunState string

// The states of a run.
const (
	// RunUnderWay says that the run has begun, and that its session lasts.
	RunUnderWay RunState = "running"
	// RunDone says that the run has ended without an error.
	RunDone RunState = "done"
	// RunFailed says that the run has ended with an error.
	RunFailed RunState = "failed"
	// RunLost says that the run has begun and its znode is gone, but its end
	// was never recorded: the process died, or has lost its session. What the
	// run did may be done, half done, or not begun.
	RunLost RunState = "lost"

	never RunState = "never" // the record of a job that has not run yet
)

// RunInfo is a run as the record at the path tells. All times are by the clock
// of the ensemble's leader.
type RunInfo struct {
	// Exists says whether a run has begun. Before the first run, all fields are
	// zero.
	Exists bool
	// Owner is the contender that ran the job, with the session in which the run
	// began. Since is Began. Token is the run's fencing token while the run is
	// under way or lost, and 0 once its end is recorded. Path is the path of the
	// contender's znode, which exists while the run is under way.
	session.Owner
	State RunState
	// Called is when the call came that began the run: the interval counts from
	// it. A rerun keeps the time of the run that it replaces.
	Called time.Time
	// Began is when the run began. It is later than Called if the call has
	// waited for an earlier run, and in a rerun.
	Began time.Time
	// Ended is when the end was recorded; zero for a run under way or lost.
	Ended time.Time
}

// record is what the znode at the path of a Once holds: its newest run. While
// the run is under way, the znode's Mzxid is the run's token, and its Mtime the
// beginning of the run.
type record struct {
	State RunState `json:"once"`
	owner.Data
	Session session.ID `json:"session"`
	Run     string     `json:"run"`             // the name of the contender's znode
	Zxid    int64      `json:"zxid"`            // of the call: the Czxid of the first contender's znode
	Called  int64      `json:"called"`          // the Ctime of that znode, in ms
	Began   int64      `json:"began,omitempty"` // in ms; 0 while the run is under way
}

// noRun is the record of a job that has never run. It is not empty, because a
// znode without data may belong to another program.
const noRun = `{"once":"never"}`

// parseRecord returns what data records, or core.ErrForeign.
func parseRecord(data []byte) (record, error) {
	var r record
	if !recognise.IsRecord(data) || json.Unmarshal(data, &r) != nil {
		return record{}, errNotRecord
	}
	return r, nil
}

// notRecord names what is at a path that does not hold the record of a job:
// another recipe's znode, or a record that was damaged.
func notRecord(path string, data []byte, stat core.Stat, names []string) error {
	what := recognise.Node(path, data, stat)
	if what == "" && len(data) == 0 {
		what = recognise.Directory(names)
	}
	switch {
	case what != "":
		return core.Foreign("it is not the record of a job that runs once per interval: %s", what)
	case bytes.HasPrefix(data, []byte(recordStart)):
		return errDamaged
	}
	return errNotRecord
}

// recordStart is how every record begins.
const recordStart = `{"once":`

var (
	errNotRecord = core.Foreign("it is not the record of a job that runs once per interval, which needs a path of its own")
	errDamaged   = damagedError{}
)

// damagedError is a core.ErrForeign for a record that was damaged: the text does
// not say that the znode belongs to another recipe.
type damagedError struct{}

func (damagedError) Error() string {
	return "the record of the job is damaged; if no run is under way, delete the znode: the next call then begins a run"
}

func (damagedError) Is(target error) bool { return target == core.ErrForeign }

// encode returns the contents of the record's znode.
func (r record) encode() []byte {
	data, err := json.Marshal(r)
	if err != nil {
		panic(err) // texts and numbers always have a JSON form
	}
	return data
}

// view is the record and the contenders, as found by one read.
type view struct {
	record record
	data   []byte    // of the record
	stat   core.Stat // of the record
	names  []string  // of the contenders' znodes
	own    core.Stat // of our own znode
}

// running reports whether the run is under way: its contender's znode exists.
func (v view) running() bool {
	return v.record.State == RunUnderWay && slices.Contains(v.names, v.record.Run)
}

// info describes the newest run of the job at path.
func (v view) info(path string) RunInfo {
	r := v.record
	info := RunInfo{
		Exists: true,
		Owner:  session.Owner{ID: r.ID, Host: r.Host, PID: r.PID, Session: r.Session, Path: znode.Join(path, r.Run)},
		State:  r.State,
		Called: stamp.Millis(r.Called),
	}
	if r.State != RunUnderWay {
		info.Began, info.Ended = stamp.Millis(r.Began), stamp.Millis(v.stat.Mtime)
		info.Since = info.Began
		return info
	}
	info.Began, info.Token = stamp.Millis(v.stat.Mtime), v.stat.Mzxid
	info.Since = info.Began
	if !v.running() {
		info.State = RunLost
	}
	return info
}

// ErrNotDue is returned if the job has run in this interval, or runs now.
// errors.As then finds a *NotDueError.
var ErrNotDue = errors.New("the job is not due")

// NotDueError is ErrNotDue with the newest run, which serves the call.
type NotDueError struct {
	Run RunInfo
	// DueAgain is when a call can begin the next run, by the clock of the
	// ensemble's leader. If the present run is still under way then, a call has
	// to wait for its end.
	DueAgain time.Time
}

// Error says which contender has run the job, when, and when the job is due
// again.
func (e *NotDueError) Error() string {
	who := owner.Name(e.Run.ID)
	if e.Run.PID != 0 {
		who += fmt.Sprintf(" (pid %d on %s)", e.Run.PID, owner.Name(e.Run.Host))
	}
	began := e.Run.Began.UTC().Format(time.RFC3339)
	if e.Run.Began.Sub(e.Run.Called) >= time.Second {
		// The call has waited, or the run replaces another. The job is due again
		// by the call, which may be before the beginning of the run.
		began += ", for the call of " + e.Run.Called.UTC().Format(time.RFC3339)
	}
	// Rounded up: a call at the printed time is due.
	due := e.DueAgain.Add(time.Second - time.Nanosecond).Truncate(time.Second).UTC().Format(time.RFC3339)
	switch e.Run.State {
	case RunUnderWay:
		return fmt.Sprintf("%v: %s has been running it since %s; it is due again at %s, or at the end of that run if that is later",
			ErrNotDue, who, began, due)
	case RunFailed:
		return fmt.Sprintf("%v: %s ran it at %s and failed; it is due again at %s", ErrNotDue, who, began, due)
	case RunLost:
		return fmt.Sprintf("%v: %s began it at %s and was lost; it is due again at %s", ErrNotDue, who, began, due)
	}
	return fmt.Sprintf("%v: %s ran it at %s; it is due again at %s", ErrNotDue, who, began, due)
}

// Is matches ErrNotDue.
func (e *NotDueError) Is(target error) bool { return target == ErrNotDue }
