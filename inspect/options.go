package inspect

import (
	"cmp"
	"time"

	"github.com/docent-go/docent/internal/base/bounds"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/recipe/views"
)

// Defaults of the options.
const (
	DefaultLimit    = 10_000
	DefaultChildren = 1_000
	DefaultNames    = 200_000
	DefaultMaxBytes = views.DefaultMaxBytes // room for the names and data of DefaultLimit nodes, of six kilobytes each
	DefaultEvery    = time.Second
	DefaultRate     = 1_000
	DefaultConfirm  = time.Second
	DefaultPulse    = 5 * time.Second
	DefaultSilence  = 5 * time.Second
)

// Option changes what is read, and how often.
type Option func(*options)

type options struct {
	limit, children, names, depth int
	maxBytes                      int
	every, confirm                time.Duration
	pulse, silence                time.Duration
	onConfirm                     func(time.Time)
	rate                          int
	scope                         *scope // recipes at these paths alone; nil: all
	err                           error
}

func newOptions(call string, opts []Option) options {
	o := options{
		limit: DefaultLimit, children: DefaultChildren, names: DefaultNames, depth: -1, maxBytes: DefaultMaxBytes,
		every: DefaultEvery, rate: DefaultRate, confirm: DefaultConfirm,
		pulse: DefaultPulse, silence: DefaultSilence,
	}
	misuse.Apply(call, &o, opts)
	return o
}

// positive sets the error for a number below one.
func (o *options) positive(name string, n int) {
	o.err = cmp.Or(o.err, bounds.AtLeast(name, n, 1))
}

// notNegative sets the error for a negative time.
func (o *options) notNegative(name string, d time.Duration) {
	o.err = cmp.Or(o.err, bounds.NotNegative(name, d))
}

// Limit bounds the number of znodes that are read in all. Each znode costs one
// to three requests. The default is DefaultLimit.
func Limit(nodes int) Option {
	return func(o *options) { o.limit = nodes; o.positive("Limit", nodes) }
}

// Children bounds the number of children of one znode that are read. The
// default is DefaultChildren.
func Children(n int) Option {
	return func(o *options) { o.children = n; o.positive("Children", n) }
}

// Names bounds the number of children's names that are listed in all. A znode
// is not listed if it has more children than the rest of that number. The
// default is DefaultNames, about ten megabytes.
func Names(n int) Option {
	return func(o *options) { o.names = n; o.positive("Names", n) }
}

// MaxBytes bounds the number of bytes of names and data that a report is made
// from. Lists of names that do not fit are an Omitted. Nodes whose data does not
// fit are reported without what it tells: Report.LeftOut counts them. The nodes
// of upper levels come first, and siblings in the order of their names. The
// reads take up to 80 MB more for a short time, if nodes are large. The default
// is DefaultMaxBytes.
func MaxBytes(n int) Option {
	return func(o *options) { o.maxBytes = n; o.positive("MaxBytes", n) }
}

// Depth bounds the number of levels below the path that are read. With 0 only
// the znode at the path and its children's names are read. By default all
// levels are read.
func Depth(levels int) Option {
	return func(o *options) {
		o.depth, o.err = levels, cmp.Or(o.err, bounds.AtLeast("Depth", levels, 0))
	}
}

// Every is the minimum time between two reports of Changes. The default is
// DefaultEvery.
func Every(d time.Duration) Option {
	return func(o *options) { o.every = d; o.notNegative("Every", d) }
}

// Rate bounds the mean number of requests per second of Changes: after a report
// that took n requests, Changes waits for n/requests seconds. The default is
// DefaultRate.
func Rate(requests int) Option {
	return func(o *options) { o.rate = requests; o.positive("Rate", requests) }
}

// Confirm is the time after which Deadlocks reads again before it reports a
// cycle. It does not report a cycle that is gone by then. The default is
// DefaultConfirm.
func Confirm(d time.Duration) Option {
	return func(o *options) { o.confirm = d; o.notNegative("Confirm", d) }
}

// Pulse is the time from an answer to the next question of Changes to a quorum
// of the ensemble. Each question costs one transaction. The default is
// DefaultPulse.
func Pulse(d time.Duration) Option {
	return func(o *options) { o.pulse = d; o.notNegative("Pulse", d) }
}

// Silence is how long Changes waits for an answer before it reports trouble.
// The default is DefaultSilence.
func Silence(d time.Duration) Option {
	return func(o *options) { o.silence = d; o.notNegative("Silence", d) }
}

// OnConfirm sets a function that Changes calls each time a quorum has answered
// and nothing has changed since the last report: the report was true at the
// given time, by this machine's clock. Changes calls f on its own goroutine, one
// call at a time, and waits for f.
func OnConfirm(f func(at time.Time)) Option {
	misuse.NilFunc(f == nil, "inspect.OnConfirm")
	return func(o *options) { o.onConfirm = f }
}
