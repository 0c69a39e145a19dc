package naming

import (
	"github.com/docent-go/docent/internal/core"

	"fmt"
	"strings"
)

// table is what a balancer has made from one state of its source. It is
// immutable once built.
type table[T any] struct {
	from  elements[T] // as read from the source
	items []*T        // the elements that may be picked
	group group
	known map[string]*state // by id; including elements that may not be picked
	keyed map[string]*state // by key, if it is not the id
	pick  picker
	begin reserver // pick, if it is a reserver, else nil
	none  error    // the error of Pick if items is empty
}

func (t *table[T]) add(id, key string, st *state) {
	t.known[id] = st
	if key == id {
		return
	}
	if t.keyed == nil {
		t.keyed = make(map[string]*state)
	}
	t.keyed[key] = st
}

// lasting returns the state of an element with an id and a key.
func (t *table[T]) lasting(id, key string) *state {
	if key == id {
		return t.known[id]
	}
	return t.keyed[key]
}

// table returns the table to use now: the source's newest, or the one before
// while another goroutine builds the newest.
func (b *Balancer[T]) table() (*table[T], error) {
	b.made()
	t := b.current.Load()
	if t != nil && t.from.same(b.load()) {
		return t, nil
	}
	switch {
	case t == nil:
		if err := b.Refresh(); err != nil {
			return nil, err
		}
	case b.building.CompareAndSwap(false, true):
		defer b.building.Store(false)
		b.build()
	}
	return b.current.Load(), nil
}

// build makes the table of the source's present elements, unless it exists
// already. It holds no lock while it calls the user's functions, because these
// may call the balancer. If two goroutines build at once, one starts over.
func (b *Balancer[T]) build() {
	for {
		before := b.current.Load()
		from := b.load()
		if before != nil && before.from.same(from) {
			return
		}
		if b.install(b.draft(from, before), before) {
			return
		}
	}
}

// install makes t the current table in place of before. It returns false if
// another table has replaced before.
func (b *Balancer[T]) install(t, before *table[T]) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current.Load() != before {
		return false
	}
	if len(t.items) > 0 {
		t.pick = b.strategy.prepare(&t.group)
		t.begin, _ = t.pick.(reserver)
	}
	b.current.Store(t)
	return true
}

// draft makes a table that the strategy has not prepared yet.
func (b *Balancer[T]) draft(from elements[T], before *table[T]) *table[T] {
	n := from.len()
	t := &table[T]{from: from, known: make(map[string]*state, n)}
	t.group.now = b.now
	for item := range from.all() {
		id, key := b.id(item), b.key(item)
		st := t.lasting(id, key)
		twin := st != nil
		if st == nil && before != nil {
			st = before.lasting(id, key)
		}
		if st == nil {
			st = &state{key: strings.Clone(key)}
		}
		t.add(id, key, st)
		if b.usable(item) {
			if twin {
				b.pair(t, st, id)
			}
			t.items = append(t.items, item)
			t.group.states = append(t.group.states, st)
			t.group.weights = append(t.group.weights, int64(min(max(b.weight(item), 1), MaxWeight)))
		}
	}
	if len(t.items) == 0 {
		t.none = b.failed(noneOf(n))
	}
	return t
}

// noneOf returns the error of Pick if none of n known elements can be picked.
func noneOf(n int) error {
	switch n {
	case 0:
		return fmt.Errorf("%w: none is known", ErrNoInstance)
	case 1:
		return fmt.Errorf("%w: one is known, which is disabled, draining or without a usable address", ErrNoInstance)
	}
	return fmt.Errorf("%w: %d are known, all of them disabled, draining or without a usable address", ErrNoInstance, n)
}

// failed names the service in an error of Pick. A List has no name.
func (b *Balancer[T]) failed(err error) error {
	if b.service == nil {
		return err
	}
	return core.Failed("pick instance", b.service.dir, err)
}

// pair marks all but one of the elements that share a state as twins. Only the
// element with the lowest id is not marked, whatever the order. The element
// with this id is appended next.
func (b *Balancer[T]) pair(t *table[T], st *state, id string) {
	for i, other := range t.group.states {
		if other != st || t.group.twins[i] {
			continue
		}
		if t.group.twins == nil {
			t.group.twins = make(map[int]bool)
		}
		if b.id(t.items[i]) > id {
			t.group.twins[i] = true
		} else {
			t.group.twins[len(t.items)] = true
		}
		return
	}
}
