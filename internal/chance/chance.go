// Package chance is where the library takes randomness from, so that a
// simulation can repeat a run: what is drawn is a function of its seed then.
package chance

import (
	crypto "crypto/rand"
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"sync/atomic"
)

// seeded is nil outside of simulations.
var seeded atomic.Pointer[source]

type source struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (s *source) below(bound uint64) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.r.Uint64N(bound)
}

// N returns a random number from 0 up to, and without, bound, which must be
// positive.
func N[T ~int | ~int64](bound T) T {
	if s := seeded.Load(); s != nil {
		return T(s.below(uint64(bound)))
	}
	return rand.N(bound)
}

// Unique returns what nobody else draws, and nobody can guess.
func Unique() (b [16]byte) {
	if s := seeded.Load(); s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		binary.BigEndian.PutUint64(b[:8], s.r.Uint64())
		binary.BigEndian.PutUint64(b[8:], s.r.Uint64())
		return b
	}
	crypto.Read(b[:]) // never fails: the runtime ends the process instead
	return b
}

// Seed makes what is drawn repeatable until restore is called: of two runs that
// ask in the same order both get the same. It is for simulations, which have the
// process for themselves.
func Seed(seed uint64) (restore func()) {
	seeded.Store(&source{r: rand.New(rand.NewPCG(seed, 0))})
	return func() { seeded.Store(nil) }
}
