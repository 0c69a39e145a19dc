package inspect

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// Two loops over Changes are left, beside a Read, while the session ends.
func TestFault58_ConcurrentEndsOfWatches(t *testing.T) {
	testworld.EachEnd(t, func(w *testworld.World, p *testworld.Process, end func()) {
		for _, path := range []string{"/a", "/a/b", "/c"} {
			w.Put(path, "x")
		}
		ctx := w.Within(time.Minute)
		seen := make(chan int, 1)
		go func() {
			reports := 0
			for range Changes(ctx, p.Manager, "/", Every(time.Millisecond)) {
				reports++
			}
			seen <- reports
		}()
		time.Sleep(time.Second)
		for _, err := range w.Twice(func() error {
			for _, err := range Changes(ctx, p.Manager, "/") {
				return err
			}
			return ctx.Err()
		}, end, func() { _, _ = Read(ctx, p.Manager, "/") }) { // it may be done or not
			var trouble *TroubleError
			if err != nil && !errors.As(err, &trouble) && !errors.Is(err, session.ErrClosed) && !errors.Is(err, context.DeadlineExceeded) {
				require.NoError(w, err)
			}
		}
		require.Positive(w, <-seen)
	})
}
