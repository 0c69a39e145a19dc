package queue

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/base/bounds"
	"github.com/docent-go/docent/internal/base/misuse"
)

// Option configures a Queue.
type Option func(*options)

type options struct {
	format              Format
	items, claims, dead string
	limit, attempts     int
	consumer            string
	onDead              func(DeadLetter)
	onSkipped           func(Skipped)
	errs                []error
}

// Layout sets the Format; the default is Curator.
func Layout(f Format) Option { return func(o *options) { o.format = f } }

// Items sets the directory of the items, which Curator calls queuePath. The
// default is the Format's, below the queue's path.
func Items(path string) Option { return func(o *options) { o.items = path } }

// Claims sets the directory of the claims, which Curator calls lockPath. The
// default is the Format's, below the queue's path. All consumers of a queue
// must agree on it.
func Claims(path string) Option { return func(o *options) { o.claims = path } }

// DeadLetters sets the directory of the dead letters. The default is the
// Format's, below the queue's path.
func DeadLetters(path string) Option { return func(o *options) { o.dead = path } }

// Limit bounds the queue: Put waits while n items or more are in it. Items that
// are claimed or not due yet count. Each producer keeps the bound by itself. So
// the queue may exceed it by the items that are put at the same time, and by
// the items that a producer's server does not know yet.
func Limit(n int) Option {
	return func(o *options) {
		o.limit = n
		if n < 1 {
			o.errs = append(o.errs, fmt.Errorf("Limit(%d): a queue must have room for at least 1 item", n))
		}
	}
}

// MaxAttempts bounds how often an item is delivered. An item that was delivered
// n times and never acknowledged becomes a dead letter. Without the option,
// items are delivered until they are acknowledged.
func MaxAttempts(n int) Option {
	return func(o *options) {
		o.attempts = n
		if n < 1 {
			o.errs = append(o.errs, fmt.Errorf("MaxAttempts(%d): an item must be delivered at least once", n))
		}
	}
}

// Consumer names this consumer in its claims, for people who look at them. It
// need not be unique. The default is the host's name and the process id,
// "host-4711".
func Consumer(id string) Option { return func(o *options) { o.consumer = id } }

// OnDead sets a function that the Queue calls with each dead letter that it
// makes, after it is made. If the server's answer is lost, f is called once the
// letter is found. f is not called if the session ends before that is known. A
// Take, Release or Reject calls f on its goroutine and waits for f, several
// calls at a time. f must return soon.
func OnDead(f func(DeadLetter)) Option {
	misuse.NilFunc(f == nil, "queue.OnDead")
	return func(o *options) { o.onDead = f }
}

func newOptions(opts []Option) *options {
	o := new(options)
	misuse.Apply("queue.New", o, opts)
	return o
}

// PutOption changes how one item is put.
type PutOption func(*putOptions)

type putOptions struct {
	priority    int32
	prioritized bool
	due         time.Time
	delayed     bool
	at          bool // At was given
	delay       bool // Delay was given
	err         error
}

// Priority sets the priority of an item: a smaller number is taken sooner, as
// in Curator and kazoo. The default is 0, and 100 with kazoo's formats.
// Curator's format takes any int32, and kazoo's formats take 0 to 999.
// SimpleQueue has no priorities.
func Priority(p int) PutOption {
	return func(o *putOptions) {
		o.priority, o.prioritized = int32(p), true
		if int64(o.priority) != int64(p) {
			o.err = cmp.Or(o.err, fmt.Errorf("the option Priority(%d) does not fit into 32 bits", p))
		}
	}
}

// Delay withholds an item for d. It is At with the time that this machine's
// wall clock shows when Put is called, plus d. Delay and At exclude each other.
func Delay(d time.Duration) PutOption {
	return func(o *putOptions) {
		o.delay = true
		o.err = cmp.Or(o.err, bounds.NotNegative("Delay", d), o.exclusive())
		if d > 0 {
			o.due, o.delayed = later(time.Now(), d), true
		}
	}
}

// At withholds an item until t. Each consumer compares t with the wall clock of
// its own machine: a fast clock takes the item early, a slow one late. Only
// Curator's format has delays. At and Delay exclude each other.
func At(t time.Time) PutOption {
	return func(o *putOptions) {
		o.at, o.due, o.delayed = true, t, true
		o.err = cmp.Or(o.err, o.exclusive())
	}
}

// exclusive returns the error of an item that is withheld by Delay and by At.
func (o *putOptions) exclusive() error {
	if o.at && o.delay {
		return errors.New("the options Delay and At exclude each other; give one of them")
	}
	return nil
}
