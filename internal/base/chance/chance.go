// Package chance is the library's source of randomness. A simulation seeds it,
// so that the same seed gives the same numbers and a run can be repeated.
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

// N returns a random number from 0 to bound-1. bound must be positive.
func N[T ~int | ~int64](bound T) T {
	if s := seeded.Load(); s != nil {
		return T(s.below(uint64(bound)))
	}
	return rand.N(bound)
}

// Unique returns bytes that are never drawn twice and cannot be guessed.
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

// Seed makes the numbers repeatable until restore is called: two runs that draw
// in the same order get the same numbers. It is for simulations, which have the
// process for themselves.
func Seed(seed uint64) (restore func()) {
	seeded.Store(&source{r: rand.New(rand.NewPCG(seed, 0))})
	return func() { seeded.Store(nil) }
}
