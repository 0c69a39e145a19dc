package demo

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestClaim_thatDoesNotHold(t *testing.T) {
	var out bytes.Buffer
	n := &narrator{w: &out, start: time.Now()}
	err := perform(t.Context(), chapter{"x", "X", func(_ context.Context, s *stage) error {
		if err := s.claim(true, "%d is %d", 1, 1); err != nil {
			return err
		}
		return s.claim(false, "%d is %d", 1, 2)
	}}, n)
	require.EqualError(t, err, "the claim does not hold: 1 is 2")
	require.Equal(t, "      ok:  1 is 1\n", out.String())
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

func TestNarrator_cannotWrite(t *testing.T) {
	n := &narrator{w: broken{}, start: time.Now()}
	n.prologue()
	n.say("ann", "waits")
	require.EqualError(t, n.err, "print the story: the disk is full")
}

func TestRun_cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, Run(ctx, &bytes.Buffer{}, false), context.Canceled)
}

func TestAwait_saysWhatItWaitedFor(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := await(ctx, "the end", make(chan int))
	require.EqualError(t, err, "waiting for the end: context canceled")
}

func TestFencedStore(t *testing.T) {
	var f fencedStore
	require.True(t, f.write("a", 5))
	require.True(t, f.write("b", 5), "one holder may write more than once")
	require.False(t, f.write("c", 4))
	require.True(t, f.write("d", 6))
	require.Equal(t, "d", f.value)
}
