package naming

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/oneline"
)

// ErrNoInstance is returned by Pick if there is nothing to pick: the source is
// empty, or every instance in it is disabled, draining or has no usable address.
var ErrNoInstance = errors.New("no instance is available")

// BalancerOption changes how a Balancer treats instances that fail.
type BalancerOption func(*downRules)

type downRules struct {
	errors int // 0: never marked down by errors
	window time.Duration
	pause  time.Duration
	err    error
}

// DownAfter marks an instance down for pause once errs calls to it have failed
// within window. Picked.Done reports failed calls. The option is off by
// default, because the right number depends on the rate of calls. Curator's
// DownInstanceManager has 2 errors in 30 s.
func DownAfter(errs int, window, pause time.Duration) BalancerOption {
	return func(r *downRules) {
		r.errors, r.window, r.pause = errs, window, pause
		if errs < 1 || window <= 0 || pause <= 0 {
			r.err = fmt.Errorf("DownAfter(%d, %s, %s): the number and both durations must be positive", errs, window, pause)
		}
	}
}

// Balancer picks one element of a Source at a time, by a Strategy. It has no
// goroutine and nothing to close. A pick notices that the source has changed.
// The first pick that does prepares the new set, while others use the old one.
// A Balancer is safe for concurrent use. A pick does no I/O, allocates nothing
// and takes no lock, except that Sticky takes one of many for an instant.
//
// An element that is marked down (MarkDown, DownAfter) is passed over until its
// time is up. If all are down, they are picked as if none were. A mark is only
// this process's guess, and calling a service that may be down is better than
// certain failure. Disabled and draining instances are different: they reject
// calls themselves, and get none.
type Balancer[T any] struct {
	source   Source[T]
	id       func(*T) string
	key      func(*T) string // identifies an element while it changes
	weight   func(*T) int
	usable   func(*T) bool
	service  *Service // the source, if it is one
	strategy engine
	rules    downRules
	epoch    time.Time

	current  atomic.Pointer[table[T]]
	building atomic.Bool // a goroutine builds the next table
	mu       sync.Mutex  // held while the strategy prepares a table; no function of the user's runs under it
}

// NewBalancer balances over instances. It passes over blank ones, as read from
// a foreign znode such as {}. A blank instance has neither an address nor a
// port. Nor has it a URISpec, metadata or a payload that could say how to call
// it. It also passes over instances whose address CheckAddress rejects, and
// those with a port and no address.
func NewBalancer(source Source[Instance], s Strategy, opts ...BalancerOption) *Balancer[Instance] {
	b := NewBalancerOf(source, func(in *Instance) string { return in.ID }, s, opts...)
	b.key = (*Instance).lastingKey
	b.weight = func(in *Instance) int { return in.Weight }
	b.usable = func(in *Instance) bool { return in.Available() && !in.blank() && in.callable() }
	return b
}

// NewBalancerOf balances over elements of any kind, such as the partitions of a
// topic. id returns an element's id, which must be unique; Hash uses it. All
// elements have the same weight.
func NewBalancerOf[T any](source Source[T], id func(*T) string, s Strategy, opts ...BalancerOption) *Balancer[T] {
	misuse.If(source == nil, "a Balancer is made of a nil Source: give a Service or a List")
	misuse.NilFunc(id == nil, "naming.NewBalancerOf")
	s.made()
	b := &Balancer[T]{
		source: source, id: id, key: id, strategy: s.start(), epoch: time.Now(),
		weight: func(*T) int { return 1 },
		usable: func(*T) bool { return true },
	}
	misuse.Apply("a Balancer", &b.rules, opts)
	b.rules.err = cmp.Or(s.err, b.rules.err)
	b.service, _ = any(source).(*Service)
	return b
}

// made panics for a Balancer that was not made by a constructor.
func (b *Balancer[T]) made() {
	misuse.ZeroValue(b == nil || b.source == nil, "or nil naming.Balancer", "Service.Balancer, naming.NewBalancer or naming.NewBalancerOf")
}

// Picked is the result of a Pick.
type Picked[T any] struct {
	// Item is the element. It is shared, and must not be changed.
	Item *T

	state *state
	from  *Balancer[T]
	over  bool
}

// Pick picks one element. Only Hash and Sticky use the key: the client's
// address, a user, or whatever else is to stay with one instance. With an empty
// key, any instance may be picked. Call Done on the result when the call to the
// instance is over. The error is ErrNoInstance, or says that an option is
// invalid. With a Service, ErrNoInstance is in a *session.OpError, which names
// the service's path.
func (b *Balancer[T]) Pick(key string) (Picked[T], error) {
	t, err := b.table()
	if err != nil {
		return Picked[T]{}, err
	}
	if t.none != nil {
		return Picked[T]{}, t.none
	}
	var i int
	if t.begin != nil {
		i = t.begin.reserve(&t.group, key)
	} else {
		i = t.pick.pick(&t.group, key)
		t.group.states[i].calls.begin()
	}
	return Picked[T]{Item: t.items[i], state: t.group.states[i], from: b}, nil
}

// PickOther is Pick that never picks an element with one of the ids in tried.
// Use it for another attempt after calls to these have failed. Hash takes the
// next element by the key, and Sticky leaves the key where it is. PickOther
// prefers elements that are not marked down. The error is also ErrNoInstance if
// no other element is left. PickOther takes longer than Pick.
func (b *Balancer[T]) PickOther(key string, tried ...string) (Picked[T], error) {
	t, err := b.table()
	if err != nil {
		return Picked[T]{}, err
	}
	if t.none != nil {
		return Picked[T]{}, t.none
	}
	g := t.group
	for _, id := range tried {
		if st := t.known[id]; st != nil {
			g.tried = append(g.tried, st)
		}
	}
	i := t.pick.pick(&g, key)
	for range g.states { // all elements that are up were tried: take any other
		if !slices.Contains(g.tried, g.states[i]) {
			break
		}
		if i++; i == len(g.states) {
			i = 0
		}
	}
	st := g.states[i]
	if slices.Contains(g.tried, st) {
		return Picked[T]{}, b.failed(fmt.Errorf("%w: all %d were tried, %s", ErrNoInstance, len(g.states), oneline.Names(tried)))
	}
	st.calls.begin()
	return Picked[T]{Item: t.items[i], state: st, from: b}, nil
}

// Done says that the call to the picked element is over, and how it went: nil
// unless the element is at fault. An error that matches context.Canceled is not
// counted. Only the first Done of a Picked counts. Done must not be called by
// two goroutines at once, nor on a copy.
func (p *Picked[T]) Done(err error) {
	misuse.ZeroValue(p == nil, "or nil naming.Picked", "Balancer.Pick")
	if p.over || p.state == nil {
		return
	}
	p.over = true
	p.state.calls.end()
	switch {
	case err == nil:
		p.state.blame.less()
	case errors.Is(err, context.Canceled):
	default:
		now := p.from.now()
		p.state.blame.add(now)
		if p.from.rules.errors > 0 {
			p.state.failed(now, p.from.rules)
		}
	}
}

// MarkDown passes an element over for d. It replaces an earlier mark. It
// returns false, and does nothing, if the element does not exist. When an
// element leaves the source, its mark ends.
func (b *Balancer[T]) MarkDown(id string, d time.Duration) bool {
	st := b.find(id)
	if st == nil {
		return false
	}
	until := int64(0)
	if d > 0 {
		until = int64(b.now() + d)
	}
	st.down.Store(until)
	return true
}

// MarkUp ends a mark at once. It returns false if the element does not exist.
func (b *Balancer[T]) MarkUp(id string) bool { return b.MarkDown(id, 0) }

// Down returns the ids of the elements that are marked down now, in order.
func (b *Balancer[T]) Down() []string {
	t, err := b.table()
	if err != nil {
		return nil
	}
	var ids []string
	for id, st := range t.known {
		if until := st.down.Load(); until > int64(b.now()) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Pending returns the number of picks of an element whose Done has not been
// called.
func (b *Balancer[T]) Pending(id string) int {
	if st := b.find(id); st != nil {
		return int(st.calls.underway())
	}
	return 0
}

// Refresh prepares the new set if the source has changed, so that the next pick
// need not. Call it after a change of the source: then no pick takes longer
// than others. With Hash it takes some milliseconds of a processor. The error
// says that an option is invalid.
func (b *Balancer[T]) Refresh() error {
	b.made()
	if b.rules.err != nil {
		return b.rules.err
	}
	b.build()
	return nil
}

func (b *Balancer[T]) now() time.Duration { return time.Since(b.epoch) + 1 }

func (b *Balancer[T]) find(id string) *state {
	t, err := b.table()
	if err != nil {
		return nil
	}
	return t.known[id]
}
