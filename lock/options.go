package lock

import (
	"time"

	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/session"
)

// Option is an option of every constructor: ID and ParentSessions.
type Option interface {
	LockOption
	OnceOption
}

// LockOption is an option of NewMutex, NewRWMutex and NewOneNode: Revocable,
// and every Option.
type LockOption interface {
	MutexOption
	lock()
}

// MutexOption is an option of NewMutex: Handoff, and every LockOption.
type MutexOption interface {
	setting
	mutex()
}

// OnceOption is an option of NewOnce: Slack, WaitForRun, RerunLost,
// RerunFailed, and every Option.
type OnceOption interface {
	setting
	once()
}

// setting is an option of any kind.
type setting interface{ apply(*options) }

// option implements the options of all kinds. The result type of its
// constructor tells the kind.
type option func(*options)

func (o option) apply(to *options) { o(to) }
func (option) lock()               {}
func (option) mutex()              {}
func (option) once()               {}

type options struct {
	id        string
	parents   []session.ID
	revocable bool
	handoff   int

	// Of a Once.
	slack       *time.Duration // nil: half the interval
	waitForRun  bool
	rerunLost   bool
	rerunFailed bool
}

// ID names the contender for people who look at the lock. It need not be
// unique. The default is the host's name and the process id, "host-4711".
func ID(id string) Option { return option(func(o *options) { o.id = id }) }

// ParentSessions says that the contender works on behalf of other sessions,
// whose holds last until the contender has ended. An example is "docent lock":
// it holds its lock until the program that it runs has ended, and its session
// is a parent of that program's contenders. Package inspect treats the
// contender and these sessions as a single client when it looks for deadlocks.
// Nothing else uses the option.
func ParentSessions(ids ...session.ID) Option { return option(func(o *options) { o.parents = ids }) }

func newOptions[O setting](call string, opts []O) options {
	var all options
	for _, o := range opts {
		misuse.NilOption(any(o) == nil, call)
		o.apply(&all)
	}
	return all
}

// watched reports whether a request to release the lock has to be noticed at
// once. The request is written into the holder's znode.
func (o options) watched() bool { return o.revocable || o.handoff != 0 }

// owner returns what a contender's znode holds.
func (o options) owner() owner.Data {
	d := owner.New(o.id)
	d.Parents = o.parents
	return d
}

// data returns the contents of the contender's znodes.
func (o options) data() []byte { return o.owner().Encode() }
