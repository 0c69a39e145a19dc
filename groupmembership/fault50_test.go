package groupmembership_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// A member with too large a payload is listed without it, and a limit says what
// it leaves out.
func TestFault50_LimitsOfAGroup(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		writer := groupmembership.NewGroup(w.Process().Manager, "/g")
		members := make(map[string]*groupmembership.Membership)
		for id, n := range map[string]int{"a": 400, "b": 1<<20 - 1000, "c": 500, "d": 200, "e": 50} {
			m, err := writer.Join(w.Context(), id, []byte(strings.Repeat("x", n)))
			require.NoError(w, err)
			members[id] = m
		}
		print := func(all []groupmembership.Member) string {
			var texts []string
			for _, m := range all {
				require.NotZero(w, m.Session)
				text := fmt.Sprintf("%s=%d", m.ID, len(m.Payload))
				if m.Unread {
					text = m.ID + "=?"
				}
				texts = append(texts, text)
			}
			return strings.Join(texts, " ")
		}
		g := groupmembership.NewGroup(w.Process().Manager, "/g", groupmembership.MaxBytes(1000))
		o := testworld.Observe(w, g.Changes, func(c groupmembership.Change, err error) string {
			if err != nil {
				require.ErrorIs(w, err, session.ErrLeftOut)
				return "E"
			}
			var all []groupmembership.Member
			for m := range c.Members() {
				all = append(all, m)
			}
			return fmt.Sprintf("%d [%s] %v", len(c.Events), print(all), c.LeftOut.First)
		})
		take := func() string {
			time.Sleep(time.Second) // the pause between two reads
			return o.Take()
		}
		const want = "a=400 b=? c=500 d=? e=50"
		require.Equal(w, "5 ["+want+"] [b d] E", take())
		all, err := g.Members(w.Context())
		require.ErrorIs(w, err, session.ErrLeftOut)
		require.ErrorContains(w, err, "list members /g: 2 znodes are left out, with 1047778 bytes, the first is b")
		require.Equal(w, want, print(all))

		require.NoError(w, members["b"].UpdatePayload(w.Context(), []byte("short")))
		require.Equal(w, "1 [a=400 b=5 c=500 d=? e=50] [d] E", take())
		require.NoError(w, members["a"].Leave(w.Context()))
		require.Equal(w, "2 [b=5 c=500 d=200 e=50] []", take(), "a left, and d's payload is known")
		all, err = g.Members(w.Context())
		require.NoError(w, err)
		require.Equal(w, "b=5 c=500 d=200 e=50", print(all))

		few := groupmembership.NewGroup(w.Process().Manager, "/g", groupmembership.Limit(2))
		all, err = few.Members(w.Context())
		require.ErrorIs(w, err, session.ErrLeftOut)
		require.Equal(w, "b=5 c=500", print(all))
		_, err = groupmembership.NewGroup(w.Process().Manager, "/g", groupmembership.Limit(0)).Members(w.Context())
		require.ErrorContains(w, err, "is too small; give 1 or more")
	})
}

// Members with large payloads after many small ones cost the bytes of the limit.
func TestFault50_MembersWithinMemory(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Put("/g", "")
		for i := range 30 {
			_, err := p.Create(w.Context(), fmt.Sprintf("/g/a%02d", i), nil, session.Ephemeral)
			require.NoError(w, err)
		}
		for i := range 60 {
			_, err := p.Create(w.Context(), fmt.Sprintf("/g/b%02d", i), make([]byte, 1<<20-1000), session.Ephemeral)
			require.NoError(w, err)
		}
		_, err := p.Create(w.Context(), "/g/z", make([]byte, 500), session.Ephemeral)
		require.NoError(w, err)
		g := groupmembership.NewGroup(w.Process().Manager, "/g", groupmembership.MaxBytes(4<<20))
		var all []groupmembership.Member
		w.Count(func() { all, err = g.Members(w.Context()) })
		require.ErrorIs(w, err, session.ErrLeftOut)
		require.Len(w, all, 91)
		bytes := 0
		for _, m := range all {
			bytes += len(m.Payload)
		}
		require.Equal(w, 4*(1<<20-1000)+500, bytes)
		require.Len(w, all[90].Payload, 500, "what is small comes back after a large one was dropped")
		held := testworld.Held(func() { all = nil })
		require.Less(w, held, 5<<20)
	})
}

// Payloads are kept once for all states.
func TestFault50_MemoryOfAGroup(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const n, size = 40, 200 << 10
		p := w.Process()
		w.Put("/g", "")
		for i := range n {
			_, err := p.Create(w.Context(), fmt.Sprintf("/g/m%02d", i), make([]byte, size), session.Ephemeral)
			require.NoError(w, err)
		}
		reader := w.Process()
		ctx, cancel := context.WithCancel(w.Context())
		seen := make(chan struct{})
		go func() {
			defer close(seen)
			for range groupmembership.NewGroup(reader.Manager, "/g").Changes(ctx) {
			}
		}()
		time.Sleep(time.Minute)
		reader.Link.Disconnect()
		time.Sleep(time.Minute)
		held := testworld.Held(func() {
			cancel()
			<-seen
		})
		require.Less(w, float64(held)/(n*size), 1.3)
		require.Greater(w, float64(held)/(n*size), 0.8, "the measurement works")
	})
}
