package naming

// golden is 2^64 divided by the golden ratio, the step of splitmix64.
const golden = 0x9e3779b97f4a7c15

// fewChanges is how many elements may come and go before it is cheaper to
// assign all slots again: each change costs a pass over all slots.
const fewChanges = 6

// probes is how many slots a pick tries before it tries the elements one by
// one.
const probes = 64

type hashing struct {
	random random
	bound  *bound // nil without BoundedLoad
	before seating
}

// seating is what the last table was made from.
type seating struct {
	seats  []seat
	size   int // of the group
	owners interface{ at(slot uint64) int }
}

func (h *hashing) prepare(g *group) picker {
	switch n := len(g.states); {
	case n <= 1<<8:
		return prepareHash[uint8](h, g)
	case n <= 1<<16:
		return prepareHash[uint16](h, g)
	default:
		return prepareHash[uint32](h, g)
	}
}

func prepareHash[I position](h *hashing, g *group) picker {
	seats := make([]seat, 0, len(g.states))
	for i, st := range g.states {
		if !g.twins[i] {
			seats = append(seats, newSeat(st, g.weights[i], i))
		}
	}
	p := hashPicker[I]{random: h.random}
	if now, added, few := h.before.changes(seats); few {
		p.owners = reassign[I](seats, h.before.owners, now, added)
	} else {
		p.owners = assign[I](seats)
	}
	if h.bound != nil {
		h.bound.count(h.before.seats, seats)
	}
	h.before = seating{seats, len(g.states), p.owners}
	if h.bound != nil {
		return &boundedPicker[I]{p, h.bound.total, h.bound.factor / float64(totalWeight(seats))}
	}
	return &p
}

// changes returns the present seat of each former element, or noSeat, and the
// seats that are new. An element whose weight has changed is gone and new. few
// is false if there are more than fewChanges.
func (s *seating) changes(seats []seat) (now, added []int, few bool) {
	if s.owners == nil {
		return nil, nil, false
	}
	before := make(map[*state]*seat, len(s.seats))
	now = make([]int, s.size)
	for i := range s.seats {
		before[s.seats[i].state] = &s.seats[i]
		now[s.seats[i].index] = noSeat
	}
	gone := len(s.seats)
	for i := range seats {
		if old := before[seats[i].state]; old != nil && old.weight == seats[i].weight {
			now[old.index] = i
			gone--
		} else if added = append(added, i); len(added) > fewChanges {
			return nil, nil, false
		}
	}
	return now, added, len(added)+gone <= fewChanges
}

// hashPicker is a table of slots.
type hashPicker[I position] struct {
	random random
	owners owners[I]
}

func (p *hashPicker[I]) start(key string) uint64 {
	if key == "" {
		return p.random()
	}
	return hash(key)
}

// pick returns the owner of the key's slot. If it is down, the key's hash leads
// to further slots, so that the keys of one element spread over all others.
func (p *hashPicker[I]) pick(g *group, key string) int {
	var c clock
	start := p.start(key)
	for h, n := start, 0; n < probes; h, n = mix(h+golden), n+1 {
		if i := p.owners.at(h >> (64 - slotBits)); g.up(i, &c) {
			return i
		}
	}
	return g.upFrom(p.owners.at(start>>(64-slotBits)), &c)
}

// hash is FNV-1a, mixed: the same in every process.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}

// mix is the finalizer of splitmix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
