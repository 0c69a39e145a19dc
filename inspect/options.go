package inspect

import (
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/misuse"
)

// Defaults of the options.
const (
	DefaultLimit    = 10_000
	DefaultChildren = 1_000
	DefaultNames    = 200_000
	DefaultEvery    = time.Second
	DefaultRate     = 1_000
	DefaultConfirm  = time.Second
	DefaultPulse    = 5 * time.Second
	DefaultSilence  = 5 * time.Second
)

// Option changes what is looked at, and how hard.
type Option func(*options)

type options struct {
	limit, children, names, depth int
	every, confirm                time.Duration
	pulse, silence                time.Duration
	onConfirm                     func(time.Time)
	rate                          int
	only                          *grounds // recipes at these paths alone; nil: all
	err                           error
}

func newOptions(call string, opts []Option) options {
	o := options{
		limit: DefaultLimit, children: DefaultChildren, names: DefaultNames, depth: -1,
		every: DefaultEvery, rate: DefaultRate, confirm: DefaultConfirm,
		pulse: DefaultPulse, silence: DefaultSilence,
	}
	misuse.Apply(call, &o, opts)
	return o
}

// positive notes an error for a number below one.
func (o *options) positive(name string, n int) {
	if n < 1 {
		o.err = fmt.Errorf("inspect: %s(%d): it must be 1 or more", name, n)
	}
}

func (o *options) notNegative(name string, d time.Duration) {
	if d < 0 {
		o.err = fmt.Errorf("inspect: %s(%v): it must not be negative", name, d)
	}
}

// Limit bounds how many nodes are looked at in all; each costs one to three
// requests. The default is DefaultLimit.
func Limit(nodes int) Option {
	return func(o *options) { o.limit = nodes; o.positive("Limit", nodes) }
}

// Children bounds how many children of one node are looked at. The default is
// DefaultChildren.
func Children(n int) Option {
	return func(o *options) { o.children = n; o.positive("Children", n) }
}

// Names bounds how many names of children are listed in all: a node that has
// more than are left of them is not listed. The default is DefaultNames, which
// is some ten megabytes.
func Names(n int) Option {
	return func(o *options) { o.names = n; o.positive("Names", n) }
}

// Depth bounds how many levels below the path are looked at: with 0 the node at
// the path itself and its children's names. The default is no bound.
func Depth(levels int) Option {
	return func(o *options) {
		if o.depth = levels; levels < 0 {
			o.err = fmt.Errorf("inspect: Depth(%d): it must not be negative", levels)
		}
	}
}

// Every is the least time between two reports of Watch. The default is
// DefaultEvery.
func Every(d time.Duration) Option {
	return func(o *options) { o.every = d; o.notNegative("Every", d) }
}

// Rate bounds how many requests a second Watch makes in the mean: after a
// report that took n of them it waits for n/requests seconds. The default is
// DefaultRate.
func Rate(requests int) Option {
	return func(o *options) { o.rate = requests; o.positive("Rate", requests) }
}

// Confirm is the time after which Deadlocks looks again before it reports a
// cycle: one that has gone by then was none. The default is DefaultConfirm.
func Confirm(d time.Duration) Option {
	return func(o *options) { o.confirm = d; o.notNegative("Confirm", d) }
}

// Pulse is how long after an answer Watch asks a quorum of the ensemble again,
// which costs the ensemble one transaction. The default is DefaultPulse.
func Pulse(d time.Duration) Option {
	return func(o *options) { o.pulse = d; o.notNegative("Pulse", d) }
}

// Silence is how long Watch waits for an answer before it reports trouble. The
// default is DefaultSilence.
func Silence(d time.Duration) Option {
	return func(o *options) { o.silence = d; o.notNegative("Silence", d) }
}

// OnConfirm has f called each time a quorum has answered and nothing has changed
// since the last report, which so held at the given time, by this machine's
// clock. Watch calls f in its loop, never two at a time.
func OnConfirm(f func(at time.Time)) Option {
	misuse.NilFunc(f == nil, "inspect.OnConfirm")
	return func(o *options) { o.onConfirm = f }
}
