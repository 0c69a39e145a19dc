package queue

import "iter"

// How many items or letters are read at a time: first few, for a loop that ends
// soon. A batch ends earlier once it has listedBytes of data, so that a loop
// holds little memory, however large the items are.
const (
	firstListed = 16
	maxListed   = 1024
	listedBytes = 1 << 20
)

// batched yields what read returns for the names, in batches. read returns how
// many of the names it has read, at least one. An error ends the sequence.
func batched[N, T any](names []N, read func([]N) (some []T, n int, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for n := firstListed; len(names) > 0; n = min(8*n, maxListed) {
			some, done, err := read(names[:min(n, len(names))])
			if err != nil {
				yield(*new(T), err)
				return
			}
			for _, t := range some {
				if !yield(t, nil) {
					return
				}
			}
			names = names[done:]
		}
	}
}
