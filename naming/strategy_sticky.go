package naming

import (
	"strings"
	"sync"
)

const (
	stickyKeys   = 1 << 16
	stickyShards = 64
)

// sticky remembers keys in shards, each in two generations: a key that is used
// moves into the young one, and when that is full the old one is forgotten.
type sticky struct {
	first    engine
	limit    int // keys in a generation of a shard
	prepared int
	shards   [stickyShards]shard
}

type shard struct {
	mu         sync.RWMutex
	young, old map[string]stay
	_          [64]byte // shards do not share a cache line
}

// stay is where a key stays. A pick from an older table does not replace what
// one from a newer table has chosen: it may not know of that element.
type stay struct {
	with  *state
	table int
}

func newSticky(first engine, keys int) *sticky {
	return &sticky{first: first, limit: max(1, keys/stickyShards)}
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
	if key == "" {
		return s.fresh.pick(g, key)
	}
	sh := &s.shards[hash(key)%stickyShards]
	sh.mu.RLock()
	seen, young := sh.young[key]
	sh.mu.RUnlock()
	if i, ok := s.stays(g, seen.with); young && ok {
		return i
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	seen, young = sh.young[key] // others may have been here in between
	if !young {
		seen = sh.old[key]
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
	sh.keep(key, seen, s.limit)
	return i
}

func (sh *shard) keep(key string, at stay, limit int) {
	if _, there := sh.young[key]; !there && len(sh.young) >= limit {
		sh.old, sh.young = sh.young, nil
	}
	if sh.young == nil {
		sh.young = make(map[string]stay)
	}
	sh.young[strings.Clone(key)] = at // the key may be part of a whole request
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
