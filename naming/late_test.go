package naming_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// lateContext reports its end when its time has come, but wakes no waiter.
type lateContext struct {
	context.Context
	over atomic.Bool
}

func (c *lateContext) Done() <-chan struct{} { return nil }
func (c *lateContext) Err() error {
	if c.over.Load() {
		return context.Canceled
	}
	return nil
}

// A ctx that ends once the mark has been written does not make a failure of it.
func TestFault27_SetDrainingEndsWithItsContext(t *testing.T) {
	for _, undo := range []bool{false, true} {
		testworld.Run(t, func(w *testworld.World) {
			p := w.Process()
			register(p, at("o1", "h1"))
			ctx := &lateContext{Context: w.Context()}
			w.Srv.OnChange(func(c zktest.Change) { ctx.over.Store(true) })
			if undo { // nothing is to be written, and the ctx ends with the read
				w.Once(func(r zktest.Request) bool { return r.Op == zktest.OpGetData && r.Path == orders+"/o1" },
					func() zktest.Action { ctx.over.Store(true); return zktest.Pass })
			}
			require.NoError(w, registry(p).SetDraining(ctx, "orders", "o1", !undo))
		})
	}
}
