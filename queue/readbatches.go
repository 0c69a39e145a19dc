package queue

import "iter"

// How many items or letters are read at a time: first few, for a loop that ends
// soon.
const (
	firstListed = 16
	maxListed   = 1024
	listedBytes = 1 << 20 // the approximate size of a batch
)

// batched yields what read returns for the names, in batches. It sizes each
// batch by the one before. An error ends it.
func batched[N, T any](names []N, read func([]N) ([]T, error), size func(T) int) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for n := firstListed; len(names) > 0; {
			n = min(n, len(names))
			some, err := read(names[:n])
			if err != nil {
				yield(*new(T), err)
				return
			}
			bytes := 0
			for _, t := range some {
				bytes += size(t)
				if !yield(t, nil) {
					return
				}
			}
			names = names[n:]
			n = min(max(1, n*listedBytes/max(1, bytes)), 8*n, maxListed)
		}
	}
}
