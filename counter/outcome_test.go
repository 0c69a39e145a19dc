package counter_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// number is a number in the layout of a counter.
func number(n byte) string { return string([]byte{0, 0, 0, 0, 0, 0, 0, n}) }

func isSet(r zktest.Request) bool { return r.Op == zktest.OpSetData && r.Path == path }

// The answer to a write is lost. Nothing is added twice, whatever was done.
func TestLostAnswers(t *testing.T) {
	for _, c := range []struct {
		what string
		// do is what happens to the write; meanwhile is what others do then.
		do        zktest.Action
		meanwhile func(w *testworld.World)
		n         int64 // that Add returns; 0: it does not know
		holds     byte
	}{
		{"not done", zktest.DropRequest, nil, 6, 6},
		{"done", zktest.LoseReply, nil, 0, 6},
		{"not done, and others have written another number", zktest.DropRequest, func(w *testworld.World) { w.Put(path, number(50)) }, 51, 51},
		{"not done, and others have written the same number", zktest.DropRequest, func(w *testworld.World) { w.Put(path, number(6)) }, 0, 6},
		{"not done, and others have written twice", zktest.DropRequest, func(w *testworld.World) {
			w.Put(path, number(50))
			w.Put(path, number(51))
		}, 0, 51},
		{"done, and others have written since", zktest.LoseReply, func(w *testworld.World) { w.Put(path, number(50)) }, 0, 50},
		{"not done, and the node is another", zktest.DropRequest, func(w *testworld.World) {
			w.Remove(path)
			w.Put(path, number(5))
			w.Put(path, number(5))
		}, 0, 5},
	} {
		t.Run(c.what, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				w.Put(path, number(5))
				w.Once(isSet, func() zktest.Action {
					if c.meanwhile != nil {
						p.Link.Refuse(true)
						time.AfterFunc(time.Second, func() {
							c.meanwhile(w)
							p.Link.Refuse(false)
						})
					}
					return c.do
				})
				n, err := counter.New(p.Manager, path).Add(w.Context(), 1)
				if c.n == 0 {
					require.ErrorIs(t, err, session.ErrUnknownOutcome)
				} else {
					require.NoError(t, err)
				}
				require.Equal(t, c.n, n)
				require.Equal(t, number(c.holds), w.Data(path))
			})
		})
	}
}

// The session ends while the write is under way.
func TestSessionEndsDuringAdd(t *testing.T) {
	for _, done := range []bool{true, false} {
		testworld.Run(t, func(w *testworld.World) {
			p := w.Process()
			w.Put(path, number(5))
			w.Once(isSet, func() zktest.Action {
				p.Link.Cut(zktest.Both)
				time.AfterFunc(time.Minute, p.Link.Heal)
				if done {
					return zktest.Pass
				}
				return zktest.DropRequest
			})
			n, err := counter.New(p.Manager, path).Add(w.Context(), 1)
			if done {
				require.ErrorIs(t, err, session.ErrUnknownOutcome)
			} else {
				require.NoError(t, err)
				require.EqualValues(t, 6, n)
			}
			require.Equal(t, number(6), w.Data(path))
		})
	}
}

func TestContextEndsDuringAdd(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Put(path, number(5))
		w.Once(isSet, func() zktest.Action {
			p.Link.Cut(zktest.Both)
			return zktest.Pass
		})
		_, err := counter.New(p.Manager, path).Add(w.Within(time.Second), 1)
		require.ErrorIs(t, err, session.ErrUnknownOutcome)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestLostAnswerOfCreateAndSet(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := counter.New(w.Process().Manager, path)
		w.Put("/counters", "")
		create := func(r zktest.Request) bool { return r.Op == zktest.OpCreate && r.Path == path }
		w.Once(create, func() zktest.Action { return zktest.DropRequest })
		n, err := c.Add(w.Context(), 4)
		require.NoError(t, err)
		require.EqualValues(t, 4, n)
		w.Remove(path)
		w.Once(create, func() zktest.Action { return zktest.LoseReply })
		_, err = c.Add(w.Context(), 4)
		require.ErrorIs(t, err, session.ErrUnknownOutcome)
		require.Equal(t, number(4), w.Data(path))
		w.Once(isSet, func() zktest.Action { return zktest.LoseReply })
		require.ErrorIs(t, c.Set(w.Context(), 9), session.ErrUnknownOutcome, "others may have written since: it is not written again")
		require.Equal(t, number(9), w.Data(path))
	})
}

// An error after a write in doubt tells of both.
func TestErrorAfterDoubt(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Put(path, number(5))
		w.Once(isSet, func() zktest.Action {
			w.Fail(zktest.OpGetData, path, zktest.CodeNoAuth)
			return zktest.LoseReply
		})
		_, err := counter.New(p.Manager, path).Add(w.Context(), 1)
		require.ErrorIs(t, err, session.ErrUnknownOutcome)
		var op *session.OpError
		require.True(t, errors.As(err, &op))
	})
}
