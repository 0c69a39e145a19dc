package inspect

import (
	"time"

	"github.com/docent-go/docent/session"
)

// Problem is something that an operator must look at. Problems finds them.
//
// All text in a Problem may come from znodes that any client may have written:
// escape it before you show it.
type Problem struct {
	Kind     ProblemKind `json:"kind"`
	Severity Severity    `json:"severity"`
	// Path is the path of the finding, or the path of the first one if the
	// problem is about several. Recipe is the kind of the finding.
	Path   string `json:"path"`
	Recipe Kind   `json:"recipe,omitempty"`
	// Others are the paths of the other findings of a deadlock.
	Others []string `json:"others,omitempty"`
	// Since is the time since which the problem is known to exist. It is zero if
	// the znodes do not tell. It is by the clock of the ensemble's leader, or by
	// this machine's clock if it is the time of an earlier report.
	Since time.Time `json:"since,omitzero"`
	// Text is a sentence that says what is wrong. It has no ages, so that it
	// changes only with the problem.
	Text string `json:"text"`
	// Sessions are the sessions that the problem is about, at most
	// MaxProblemSessions. The session to look at comes first.
	Sessions []session.ID `json:"sessions,omitempty"`
	// Command has the arguments of the docent command that acts on the problem.
	// It is empty if no command of docent can.
	Command []string `json:"command,omitempty"`
}

// MaxProblemSessions is the maximum number of Problem.Sessions.
const MaxProblemSessions = 20

// Severity says how urgent a Problem is.
type Severity string

// The severities of problems, the most urgent first.
const (
	Critical Severity = "critical" // clients are blocked, or find no instance
	Warning  Severity = "warning"  // clients wait for long, or work is left undone
	Notice   Severity = "notice"   // it may be intended, or the report is not complete
)

// ProblemKind is the kind of a Problem.
type ProblemKind string

// The kinds of problems.
const (
	// ProblemDeadlock is a cycle of sessions that wait for each other.
	ProblemDeadlock ProblemKind = "deadlock"
	// ProblemAbandoned is a znode that looks abandoned (Header.Abandoned).
	ProblemAbandoned ProblemKind = "abandoned"
	// ProblemDeadLetters is a queue with dead letters.
	ProblemDeadLetters ProblemKind = "dead letters"
	// ProblemGrowing is a queue that has more items than in the earlier report.
	ProblemGrowing ProblemKind = "growing queue"
	// ProblemNoInstance is a service without instances, or whose instances are
	// all draining or disabled.
	ProblemNoInstance ProblemKind = "no instance"
	// ProblemHeld is a lock that has had the same owner for long. ProblemWaited
	// is a lock that a client has waited for for long.
	ProblemHeld   ProblemKind = "held for long"
	ProblemWaited ProblemKind = "waited for long"
	// ProblemSession is a session that others wait for, while it has itself
	// waited elsewhere for long. The locks of a deadlock are only in the deadlock.
	ProblemSession ProblemKind = "stuck session"
	// ProblemNotReleased is a lock whose holder was asked to release it, and
	// still holds it.
	ProblemNotReleased ProblemKind = "not released"
	// ProblemJob is a job whose newest run has failed, or was lost.
	ProblemJob ProblemKind = "job"
	// ProblemPartitions is a partitioner with partitions that no member owns.
	ProblemPartitions ProblemKind = "partitions"
	// ProblemStray is a service, a partitioner or a job with children that do not
	// belong to it. Its programs ignore them.
	ProblemStray ProblemKind = "stray"
	// ProblemHidden is a part of the tree that ACLs hide. ProblemUnread is a part
	// that limits leave out. There may be problems in it.
	ProblemHidden ProblemKind = "hidden"
	ProblemUnread ProblemKind = "not read"
)

// Defaults of ProblemOptions.
const (
	DefaultHeld   = time.Hour
	DefaultWaited = 10 * time.Minute
	DefaultGrowth = 100
)

// ProblemOptions are the thresholds of Problems, and what it knows beside the
// report. The zero value has the default thresholds.
type ProblemOptions struct {
	// Held is the time after which a lock counts as held for long, and a gate as
	// closed for long. Without an Owner.HoldingSince the time in the wait queue
	// counts too. Zero or less means DefaultHeld.
	Held time.Duration
	// Waited is the time after which a client counts as waiting for long. Zero or
	// less means DefaultWaited.
	Waited time.Duration
	// Growth is the number of items that a queue must have gained since Earlier
	// to count as growing. Zero or less means DefaultGrowth.
	Growth int
	// At is the time at which the report is known to be true, by this machine's
	// clock. Ages are counted until then. Zero means Report.Taken.
	At time.Time
	// Earlier is an earlier report of the same tree, or nil. Without it, queues
	// that grow are not found, nor services that have lost their znode, nor
	// partitions that stay without an owner.
	Earlier *Report
	// Deadlocks are the deadlocks in the report, of Deadlocks or
	// DeadlocksBetween.
	Deadlocks []Deadlock
}
