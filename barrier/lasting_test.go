package barrier_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// A member without a session never leaves a round. The members that wait for it
// say so, with its path: those that leave, and one that comes for the next round.
func TestLastingMember(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const stranger = dir + "/member-stranger"
		w.Put(stranger, "")
		a, b := enter(w.Process(), 3, "a"), enter(w.Process(), 3, "b")
		visits := []interface{ Leave(context.Context) error }{a.Get(), b.Get()}
		for _, v := range visits {
			err := v.Leave(w.Within(time.Minute))
			require.ErrorIs(w, err, context.DeadlineExceeded)
			require.ErrorIs(w, err, session.ErrNotEphemeral)
			require.ErrorContains(w, err, "waiting for "+stranger+": the znode is not ephemeral")
		}
		late := enter(w.Process(), 3, "c")
		time.Sleep(time.Second)
		_, err := late.GiveUp()
		require.ErrorIs(w, err, context.Canceled)
		require.ErrorIs(w, err, session.ErrNotEphemeral)
		require.ErrorContains(w, err, "waiting for the end of the round under way: waiting for "+stranger)
	})
}
