package barrier_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// patience is how long Enter waits for the znode of another process with its
// id: one and a half session timeouts.
const patience = session.DefaultTimeout * 3 / 2

// A process crashes while it waits for a round, and comes again under its id.
// Its old znode goes with the old session.
func TestEnter_againAfterACrashOutside(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		crashed := w.Process()
		first := enter(crashed, 2, "a")
		require.True(t, first.Waiting())
		crashed.Link.Cut(zktest.Both)

		began := time.Now()
		again := enter(w.Process(), 2, "a")
		require.True(t, again.Waiting())
		require.Equal(t, []string{"member-a"}, w.Children(dir))
		w.Eventually(func() bool { return time.Since(began) > session.DefaultTimeout+2*time.Second }, "the old session has ended")
		require.Equal(t, []string{"member-a"}, w.Children(dir), "the new member has come")
		require.True(t, again.Waiting())
		second := enter(w.Process(), 2, "b").Get()
		allLeave(w, []*barrier.Visit{again.Get(), second})
		_, err := first.GiveUp()
		require.ErrorIs(t, err, context.Canceled)
		crashed.Link.Heal()
	})
}

// A process crashes inside, and comes again under its id while the other member
// is inside: its own old znode must not make the round look full.
func TestEnter_againAfterACrashInside(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		processes, visits := gather(w, 2)
		processes[0].Link.Cut(zktest.Both)

		again := enter(w.Process(), 2, "a")
		require.True(t, again.Waiting())
		require.NoError(t, visits[1].Leave(w.Context()), "the old znode goes with its session")
		next := enter(w.Process(), 2, "b").Get()
		allLeave(w, []*barrier.Visit{again.Get(), next})
		processes[0].Link.Heal()
	})
}

// The other process with the id is alive. Enter fails once no crash can explain
// the znode, which is as it was.
func TestEnter_idOfALiveProcess(t *testing.T) {
	for _, inside := range []bool{false, true} {
		t.Run(fmt.Sprint("inside=", inside), func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				var visits []*barrier.Visit
				var holder *testworld.Process
				if inside {
					var processes []*testworld.Process
					processes, visits = gather(w, 2)
					holder = processes[0]
				} else {
					holder = w.Process()
					enter(holder, 2, "a")
				}
				before := w.Children(dir)
				began := time.Now()
				_, err := enter(w.Process(), 2, "a").Result()
				require.ErrorIs(t, err, session.ErrIDTaken)
				require.ErrorContains(t, err, fmt.Sprintf("session 0x%x holds it", uint64(holder.Current().ID())))
				require.Equal(t, patience, time.Since(began))
				require.Equal(t, before, w.Children(dir))
				for _, v := range visits {
					require.NoError(t, v.Err())
				}
			})
		})
	}
}

// A round of live members without our id is full at once.
func TestEnter_fullWithoutOurID(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		gather(w, 2)
		began := time.Now()
		_, err := enter(w.Process(), 2, "c").Result()
		require.ErrorIs(t, err, barrier.ErrFull)
		require.Zero(t, time.Since(began))
	})
}

// The wait for the other process ends with ctx, and leaves nothing.
func TestEnter_givenUpWhileItWaitsForTheID(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		holder := w.Process()
		first := enter(holder, 2, "a")
		second := enter(w.Process(), 2, "a")
		require.True(t, second.Waiting())
		_, err := second.GiveUp()
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, session.ErrIDTaken)
		require.ErrorContains(t, err, `waiting for the member with the id "a" of process`)
		require.ErrorContains(t, err, fmt.Sprintf(", session 0x%x", uint64(holder.Current().ID())))
		require.True(t, first.Waiting())
		time.Sleep(time.Hour)
		require.Equal(t, []string{"member-a"}, w.Children(dir))
	})
}

// A znode made by hand has our id. It lasts, so Enter does not wait for it.
func TestEnter_idOfAPersistentZnode(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put(dir+"/member-a", "by hand")
		began := time.Now()
		_, err := enter(w.Process(), 2, "a").Result()
		require.ErrorIs(t, err, session.ErrNotEphemeral)
		require.NotErrorIs(t, err, session.ErrIDTaken)
		require.Zero(t, time.Since(began))
		require.Equal(t, "by hand", w.Data(dir+"/member-a"))
	})
}
