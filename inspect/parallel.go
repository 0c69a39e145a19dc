package inspect

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// maxParallel is how many nodes or batches are read at a time.
const maxParallel = 16

// eachOf calls f for 0 to n-1, maxParallel at a time, and returns the first
// error. After an error it begins no further call.
func eachOf(n int, f func(int) error) error {
	work, ctx := errgroup.WithContext(context.Background())
	work.SetLimit(maxParallel)
	for i := range n {
		work.Go(func() error {
			if ctx.Err() != nil { // an earlier call has failed
				return nil
			}
			return f(i)
		})
	}
	return work.Wait()
}
