package naming

import (
	"iter"
	"sync"

	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/treap"
	"github.com/docent-go/docent/session"
)

// View is what is known of a service at one time. It is immutable, so it is
// safe for concurrent use. Views share the instances that have not changed in
// between.
type View struct {
	// Stale says that the instances are the last known ones, or come from the
	// cache file, and may have changed. Err is the reason: ErrOffline,
	// session.ErrClosed after Close of the Service or of the Manager, or the
	// rejection of a server to list the service.
	Stale bool
	Err   error
	// Protected says that the service had lost all its instances, and that some
	// or all of the View's instances are the last it had (ProtectEmpty).
	Protected bool
	// LeftOut is what Limit and MaxBytes leave out of the service.
	LeftOut session.LeftOut
	// Problems are the present errors besides Err: a *MalformedError for each
	// znode that does not hold an instance, in the order of the znodes' names;
	// znodes that may not be read; a session.ErrLeftOut; a *CacheError. An
	// error stays the same value as long as its znode stays the same.
	Problems []error

	list *listing
	next chan struct{}
}

// NewView returns a view of instances, for instance for a test that replaces a
// Service. Of several instances with the same ID the last counts.
func NewView(instances ...Instance) *View {
	l := &listing{}
	for _, in := range instances {
		l.known = l.known.Put(in.ID, &known{in: in})
	}
	return &View{list: l}
}

// All yields the instances, sorted by ID. It allocates nothing.
func (v *View) All() iter.Seq[Instance] {
	v.made()
	return func(yield func(Instance) bool) {
		for k := range v.list.all() {
			if !yield(k.in) {
				return
			}
		}
	}
}

// Len returns the number of instances.
func (v *View) Len() int {
	v.made()
	return v.list.instances().Len()
}

// Instance returns the instance with the ID, and false if the service lacks it.
func (v *View) Instance(id string) (Instance, bool) {
	v.made()
	if k := v.list.instances().Get(id); k != nil {
		return k.in, true
	}
	return Instance{}, false
}

// Instances returns the instances, sorted by ID. All views between two changes
// of the instances return the same slice. The first call copies the instances
// into the slice; All and Len need no slice. Do not change the slice.
func (v *View) Instances() []Instance {
	v.made()
	if v.list == nil {
		return nil
	}
	return v.list.slice()
}

// made panics for a nil View. A zero one has no instances.
func (v *View) made() {
	misuse.ZeroValue(v == nil, "or nil naming.View", "Service.View or naming.NewView")
}

// listing is the instances of one or more views, by ID.
type listing struct {
	known treap.Map[known]
	once  sync.Once
	made  []Instance // of known, after the first call of slice
}

// instances returns the map. It is empty for a nil listing.
func (l *listing) instances() treap.Map[known] {
	if l == nil {
		return treap.Map[known]{}
	}
	return l.known
}

func (l *listing) all() iter.Seq[*known] {
	return func(yield func(*known) bool) {
		for _, k := range l.instances().All() {
			if !yield(k) {
				return
			}
		}
	}
}

func (l *listing) slice() []Instance {
	l.once.Do(func() {
		l.made = make([]Instance, 0, l.known.Len())
		for k := range l.all() {
			l.made = append(l.made, k.in)
		}
	})
	return l.made
}
