package naming

import (
	"slices"
	"time"

	"github.com/docent-go/docent/internal/base/treap"
)

// missed is a protected instance: it is shown although its znode is gone.
type missed struct {
	*known
	since time.Time // when its protection began to run; zero while it does not run
}

// protect returns the instances to show, and how long the shortest protection
// still lasts. While the protection lasts (ProtectEmpty), it adds the instances
// that existed before all were gone. It leaves out instances that have come
// back since, including those that the filter leaves out. last is the listing
// that was last shown.
func (s *Service) protect(last *listing, stale bool) (shown treap.Map[known], left time.Duration) {
	shown = s.composed.wanted
	if shown.Len() == 0 && !s.emptied && s.opts.protect > 0 {
		s.lose(slices.Collect(last.all()))
	}
	s.emptied = shown.Len() == 0
	if len(s.missing) > 0 {
		s.missing = slices.DeleteFunc(s.missing, func(m missed) bool { return s.present.has(m.known) })
		if s.replaced() {
			s.missing = nil
		}
	}
	left = s.tick(stale)
	if len(s.missing) == 0 {
		s.lost, s.present = index{}, nil
		return shown, 0
	}
	for _, m := range s.missing {
		shown = shown.Put(m.in.ID, m.known)
	}
	return shown, left
}

// lose begins the protection of all instances that were shown. Instances that
// were gone already keep their time. So an instance that comes and goes does
// not prolong the protection of the others.
func (s *Service) lose(all []*known) {
	before := make(map[*known]time.Time, len(s.missing))
	for _, m := range s.missing {
		before[m.known] = m.since
	}
	s.lost, s.missing = makeIndex(), make([]missed, len(all))
	for i, k := range all {
		s.lost.add(k, 1)
		s.missing[i] = missed{k, before[k]}
	}
	present := makeIndex()
	for _, all := range []treap.Map[known]{s.wanted, s.others} {
		for _, k := range all.All() {
			present.add(k, 1)
		}
	}
	s.present = &present
}

// replaced reports whether other instances have taken over the service. That is
// so if an available instance was not among the lost, or if as many instances
// are available as were lost.
func (s *Service) replaced() bool {
	serving := 0
	for _, k := range s.wanted.All() {
		switch {
		case !k.in.Available():
		case !s.lost.has(k):
			return true
		default:
			serving++
		}
	}
	return serving >= s.lost.size
}

// tick drops the missing instances whose time is over, and returns how much
// time the first of the others has left. The time runs only while it is known
// that they are gone.
func (s *Service) tick(stale bool) time.Duration {
	now, least := time.Now(), time.Duration(0)
	s.missing = slices.DeleteFunc(s.missing, func(m missed) bool {
		return !stale && !m.since.IsZero() && now.Sub(m.since) >= s.opts.protect
	})
	for i := range s.missing {
		m := &s.missing[i]
		if stale {
			m.since = time.Time{}
			continue
		}
		if m.since.IsZero() {
			m.since = now
		}
		if left := s.opts.protect - now.Sub(m.since); least == 0 || left < least {
			least = left
		}
	}
	return least
}

// index finds instances by their ids and by their addresses: a
// DynamicSequential instance comes back under another id. It counts them, since
// several may have the same.
type index struct {
	size   int
	ids    map[string]int
	places map[address]int
}

type address struct {
	host      string
	port, ssl int
}

func (in *Instance) at() address { return address{in.Address, in.Port, in.SSLPort} }

func makeIndex() index { return index{ids: make(map[string]int), places: make(map[address]int)} }

// add adds an instance, or with -1 removes it.
func (x *index) add(k *known, n int) {
	x.size += n
	count(x.ids, k.in.ID, n)
	if k.in.Address != "" {
		count(x.places, k.in.at(), n)
	}
}

func count[K comparable](m map[K]int, key K, n int) {
	if m[key] += n; m[key] == 0 {
		delete(m, key)
	}
}

func (x *index) has(k *known) bool { return x.ids[k.in.ID] > 0 || x.places[k.in.at()] > 0 }
