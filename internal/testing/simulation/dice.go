package simulation

import (
	"hash/fnv"
	"io"
	"math/rand/v2"
	"time"
)

// Dice is a source of random numbers for one goroutine.
type Dice struct{ r *rand.Rand }

// roll returns the source of a name, in the run of a seed. It does not depend
// on what other sources have drawn.
func roll(seed uint64, name string) *Dice {
	h := fnv.New64a()
	_, _ = io.WriteString(h, name) // a hash never fails
	return &Dice{rand.New(rand.NewPCG(seed, h.Sum64()))}
}

// N returns a number from 0 up to n-1.
func (d *Dice) N(n int) int { return d.r.IntN(n) }

// One reports true once in n times.
func (d *Dice) One(n int) bool { return d.r.IntN(n) == 0 }

// UpTo returns a duration from a nanosecond to max.
func (d *Dice) UpTo(max time.Duration) time.Duration {
	return time.Duration(d.r.Int64N(int64(max)) + 1)
}
