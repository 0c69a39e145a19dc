package inspect

import (
	"encoding/json"
	"time"

	"github.com/docent-go/docent/internal/base/stamp"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/internal/recipe/recognise"
	"github.com/docent-go/docent/session"
)

// JobState is the state of the newest run of a Job.
type JobState string

// The states of a Job.
const (
	JobNever   JobState = "never"   // it has never run
	JobRunning JobState = "running" // the run goes on
	JobDone    JobState = "done"    // the run has ended without an error
	JobFailed  JobState = "failed"  // the run has ended with an error
	JobLost    JobState = "lost"    // the run has begun, and its process has died or lost its session
)

// Job is the record of a job that runs once per interval: lock.Once, or "docent
// once". The znode does not have the interval.
type Job struct {
	Header
	State JobState `json:"state"`
	// By is the process that has begun the newest run, nil if the job has never
	// run. Since is when the run began. The znode at By.Path exists while the
	// run goes on. Token is the run's fencing token, and 0 once the run has
	// ended.
	By *Owner `json:"by,omitempty"`
	// Called is the time at which the newest run was requested: its interval
	// begins then. Called and Ended are by the clock of the ensemble's leader.
	Called time.Time `json:"called,omitzero"`
	// Ended is the end of the newest run; zero while it goes on, or if it was
	// lost.
	Ended time.Time `json:"ended,omitzero"`
	// Waiting are the callers that wait for the end of the run, or have not
	// decided yet.
	Waiting []Owner `json:"waiting,omitempty"`
}

// job recognises the record of a job that runs once per interval, by its data.
func (c *classifier) job(n *node) Finding {
	if !n.lasting() || !recognise.IsRecord(n.data) {
		return nil
	}
	var r struct {
		State   JobState   `json:"once"`
		Session session.ID `json:"session"`
		Run     string     `json:"run"`
		Called  int64      `json:"called"`
		Began   int64      `json:"began"`
		owner.Data
	}
	if json.Unmarshal(n.data, &r) != nil {
		return nil
	}
	f := &Job{Header: headerAs(KindJob, n), State: r.State}
	f.Layouts = []Layout{Docent}
	f.Unread = n.omitted
	goesOn := false
	f.Unrecognised = 0
	for _, name := range n.names {
		if recognise.KindOf(name) != recognise.Call {
			f.Unrecognised++
		}
	}
	for _, k := range n.kids {
		if recognise.KindOf(k.name) != recognise.Call {
			continue
		}
		c.take(k)
		if k.name == r.Run {
			goesOn = true
		} else {
			f.Waiting = append(f.Waiting, c.owner(k))
		}
	}
	if r.State == JobNever {
		return f
	}
	f.Called = stamp.Millis(r.Called)
	f.By = &Owner{
		Owner:  session.Owner{Path: znode.Join(n.path, r.Run), ID: r.ID, Host: r.Host, PID: r.PID, Session: r.Session},
		Layout: Docent, ParentSessions: r.Parents,
	}
	if r.State != JobRunning {
		f.By.Since, f.Ended = stamp.Millis(r.Began), stamp.Millis(n.stat.Mtime)
		return f
	}
	f.By.Since, f.By.Token = stamp.Millis(n.stat.Mtime), n.stat.Mzxid
	if !goesOn && n.omitted == 0 {
		f.State = JobLost
	} else {
		f.By.HoldingSince = f.By.Since
	}
	return f
}
