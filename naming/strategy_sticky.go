package naming

import (
	"hash/maphash"
	"sync"
)

const (
	defaultStickyKeys = 1 << 17
	stickyShards      = 64
	shardKeys         = 64 // fewer are not worth a shard of their own
)

// sticky remembers keys in shards, each in two generations. A key that is used
// moves into the young one. If that is full, the old one is forgotten. It keeps
// the hashes of keys, by a seed of its own, so that a long key costs as much as
// a short one. Two keys with the same hash stay with the same element.
type sticky struct {
	first    engine
	seed     maphash.Seed
	limit    int // keys in a generation of a shard
	prepared int
	shards   []shard
}

type shard struct {
	mu         sync.RWMutex
	young, old map[uint64]stay
	_          [64]byte // shards do not share a cache line
}

// stay is the element with which a key stays. A pick from an older table does
// not replace the choice of a newer table, whose element it may not know.
type stay struct {
	with  *state
	table int
}

// newSticky remembers at most keys keys; keys is at least two.
func newSticky(first engine, keys int) *sticky {
	shards := min(stickyShards, max(1, keys/shardKeys))
	return &sticky{first: first, seed: maphash.MakeSeed(), limit: keys / 2 / shards, shards: make([]shard, shards)}
}

func (s *sticky) prepare(g *group) picker {
	s.prepared++
	p := &stickyPicker{sticky: s, fresh: s.first.prepare(g), table: s.prepared, places: make(map[*state]int, len(g.states))}
	for i, st := range g.states {
		p.places[st] = i
	}
	return p
}

type stickyPicker struct {
	*sticky
	fresh  picker
	table  int
	places map[*state]int
}

func (s *stickyPicker) pick(g *group, key string) int {
	if key == "" || len(g.tried) > 0 {
		return s.fresh.pick(g, key)
	}
	h := maphash.String(s.seed, key)
	sh := &s.shards[scale(h, uint64(len(s.shards)))]
	sh.mu.RLock()
	seen, young := sh.young[h]
	sh.mu.RUnlock()
	if i, ok := s.stays(g, seen.with); young && ok {
		return i
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	seen, young = sh.young[h] // another pick may have moved it in between
	if !young {
		seen = sh.old[h]
	}
	i, ok := s.stays(g, seen.with)
	switch {
	case ok:
	case seen.table > s.table:
		return s.fresh.pick(g, key)
	default:
		i = s.fresh.pick(g, key)
		seen = stay{g.states[i], s.table}
	}
	sh.keep(h, seen, s.limit)
	return i
}

func (sh *shard) keep(key uint64, at stay, limit int) {
	if _, there := sh.young[key]; !there && len(sh.young) >= limit {
		sh.old, sh.young = sh.young, nil
	}
	if sh.young == nil {
		sh.young = make(map[uint64]stay)
	}
	sh.young[key] = at
}

// stays reports whether the element is in this table and up.
func (s *stickyPicker) stays(g *group, st *state) (int, bool) {
	if st == nil {
		return 0, false
	}
	i, there := s.places[st]
	var c clock
	return i, there && g.up(i, &c)
}
