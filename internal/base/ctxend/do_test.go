package ctxend_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/ctxend"
)

func TestDo(t *testing.T) {
	failed, late := errors.New("it failed"), errors.New("released late")
	var calls []string
	do := func(f, end error) error {
		calls = nil
		ctx, cancel := context.WithCancel(t.Context())
		return ctxend.Do(ctx,
			func() { calls = append(calls, "stop"); cancel() },
			func(within context.Context) error {
				calls = append(calls, "f")
				require.Equal(t, ctx, within)
				return f
			},
			func(err error) error {
				calls = append(calls, "end")
				require.Equal(t, f, err)
				require.NoError(t, ctx.Err())
				return end
			},
			func() { calls = append(calls, "abandon") })
	}
	require.NoError(t, do(nil, nil))
	require.Equal(t, []string{"f", "end", "stop"}, calls)
	require.Equal(t, failed, do(failed, nil))
	require.Equal(t, late, do(nil, late))
	require.EqualError(t, do(failed, late), "it failed; released late")
}

// A function that panics, or ends its goroutine, abandons what is held.
func TestDo_abandoned(t *testing.T) {
	var calls []string
	ended := make(chan struct{})
	for name, call := range map[string]func(func()){
		"panic":  func(f func()) { require.Panics(t, f) },
		"goexit": func(f func()) { go func() { defer close(ended); f() }(); <-ended },
	} {
		calls = nil
		call(func() {
			_ = ctxend.Do(t.Context(),
				func() { calls = append(calls, "stop") },
				func(context.Context) error {
					if name == "panic" {
						panic(name)
					}
					runtime.Goexit()
					return nil
				},
				func(error) error { calls = append(calls, "end"); return nil },
				func() { calls = append(calls, "abandon") })
		})
		require.Equal(t, []string{"stop", "abandon"}, calls, name)
	}
}
