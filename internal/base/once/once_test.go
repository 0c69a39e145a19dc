package once_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/once"
)

func TestFault58_CallersWaitWhileTimeGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o once.Once
		var work sync.WaitGroup
		calls := 0
		began := time.Now()
		for range 3 {
			work.Go(func() {
				o.Do(func() {
					time.Sleep(time.Second)
					calls++
				})
				require.Equal(t, time.Second, time.Since(began))
			})
		}
		work.Wait()
		o.Do(func() { calls++ })
		require.Equal(t, 1, calls)
	})
}

func TestPanicEndsTheFirstCall(t *testing.T) {
	var o once.Once
	require.PanicsWithValue(t, "no", func() { o.Do(func() { panic("no") }) })
	o.Do(func() { t.Error("the function runs again") })
}
