package naming

import (
	"math/bits"
	"slices"
)

// points is how many places on the ring an element has. It is the same for any
// number of elements: otherwise keys would move when it changes.
const points = 100

// indexBits are the lower bits of a point, which hold the element.
const indexBits = 24

type hashing struct{ random }

// ring is sorted by the hash in a point's upper bits. The hashes are uniform,
// so that an index by their first bits leads next to where a key belongs.
type ring struct {
	random random
	points []uint64
	index  []uint32 // the first point at or after each slice of the ring
	shift  int
}

func (h hashing) prepare(g *group) picker {
	all := make([]uint64, 0, points*len(g.states))
	for i, st := range g.states {
		base := hash(st.id)
		for p := range uint64(points) {
			all = append(all, mix(base+p*0x9e3779b97f4a7c15)>>indexBits<<indexBits|uint64(i))
		}
	}
	r := &ring{random: h.random}
	r.sort(all)
	return r
}

// sort puts the points in order, and makes the index. There are about as many
// slots as points, and the points are spread evenly: a slot gets few, which
// are soon sorted, and the whole takes time in proportion to their number.
func (r *ring) sort(all []uint64) {
	width := bits.Len(uint(len(all)))
	r.shift = 64 - width
	r.index = make([]uint32, 1<<width+1)
	for _, p := range all {
		r.index[p>>r.shift+1]++
	}
	for slot := 1; slot < len(r.index); slot++ {
		r.index[slot] += r.index[slot-1]
	}
	r.points = make([]uint64, len(all))
	for _, p := range all { // which moves each slot's index to its end
		r.points[r.index[p>>r.shift]] = p
		r.index[p>>r.shift]++
	}
	copy(r.index[1:], r.index)
	r.index[0] = 0
	for slot := range 1 << width {
		if from, to := r.index[slot], r.index[slot+1]; to-from > 1 {
			slices.Sort(r.points[from:to])
		}
	}
}

func (r *ring) pick(g *group, key string) int {
	if key == "" {
		return again(g, func() int { return r.random.below(len(g.states)) })
	}
	h := hash(key) >> indexBits << indexBits
	at := int(r.index[h>>r.shift])
	for at < len(r.points) && r.points[at] < h {
		at++
	}
	var c clock
	first := -1
	// The next point takes over for what is down, so that its keys spread; when
	// hardly anything is up, the next element does.
	for range points {
		if at == len(r.points) {
			at = 0
		}
		i := int(r.points[at] & (1<<indexBits - 1))
		if g.up(i, &c) {
			return i
		}
		if first < 0 {
			first = i
		}
		at++
	}
	return g.upFrom(first, &c)
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
