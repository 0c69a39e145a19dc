package main

import (
	"math"
	"slices"
	"time"
)

// sample is the result of one subject in one round.
type sample struct {
	each    []time.Duration // the times of single operations, if they were timed
	ops     int
	elapsed time.Duration // of all operations together
	value   float64       // the value of a counted measure
}

// perOp is the time of all operations divided by their number: the cost of an
// operation with several clients at once.
func (s sample) perOp() time.Duration { return s.elapsed / time.Duration(max(1, s.ops)) }

// quantile returns the smallest value that is not below a share q of all, or
// NaN without values. It does not change values.
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

// ratios divides round by round. Rounds without a figure (NaN) on one side are
// left out.
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
