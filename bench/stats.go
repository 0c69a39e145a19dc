package main

import (
	"math"
	"slices"
	"time"
)

// sample is what one subject gave in one round.
type sample struct {
	each    []time.Duration // what single operations took, where they were timed
	ops     int
	elapsed time.Duration // of all operations together
	value   float64       // of a measure that counts instead of timing
}

// perOp is the time of all operations over their number: what an operation
// costs where several clients are at it at once.
func (s sample) perOp() time.Duration { return s.elapsed / time.Duration(max(1, s.ops)) }

// quantile returns the smallest value that is not below a share q of all; NaN
// where there are none. It does not change values.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	i := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}

// median is the middle value, or the mean of the two in the middle.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// ratios divides round by round. Rounds that either side is missing in (NaN)
// are left out.
func ratios(above, below []float64) []float64 {
	var out []float64
	for i := range min(len(above), len(below)) {
		if r := above[i] / below[i]; !math.IsNaN(r) && !math.IsInf(r, 0) {
			out = append(out, r)
		}
	}
	return out
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func allMicros(ds []time.Duration) []float64 {
	out := make([]float64, len(ds))
	for i, d := range ds {
		out[i] = micros(d)
	}
	return out
}
