//go:build unix

package interop

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/session"
)

// members formats a group as Java's "members" does.
func members(pairs ...string) string {
	var text []string
	for i := 0; i < len(pairs); i += 2 {
		text = append(text, pairs[i]+"="+hex.EncodeToString([]byte(pairs[i+1])))
	}
	slices.Sort(text)
	return strings.Join(text, " ")
}

// A Group and Curator's GroupMember.
func TestGroup(t *testing.T) {
	w := inWorld(t)
	java, other, python := w.curator(), w.curator(), w.kazoo()
	seen := func(w *world, g *groupmembership.Group) string {
		all, err := g.Members(w.within(patience))
		require.NoError(w, err)
		var pairs []string
		for _, m := range all {
			pairs = append(pairs, m.ID, string(m.Payload))
		}
		return members(pairs...)
	}

	// Each side sees members join, their payloads, and members leave.
	w.part("members and payloads", func(w *world) {
		const path = "/group/all"
		g := groupmembership.NewGroup(w.docent(), path)
		a, b := java.As(w).Actor("a"), other.As(w).Actor("b")
		java := func(what, want string) {
			w.settles(what, func() bool {
				got, err := a.Go("elect.members", path).Result()
				return err == nil && got == want
			})
		}
		a.Do("elect.join", path, "java 1", hex.EncodeToString([]byte("hello")))
		m, err := g.Join(w.within(patience), "docent", []byte{0, 0xff})
		require.NoError(w, err)
		b.Do("elect.join", path, "java 2", "")
		want := members("docent", "\x00\xff", "java 1", "hello", "java 2", "")
		java("Curator sees all", want)
		// Curator's reader fails for the whole group if the data of one member are
		// absent. Without a payload they are empty.
		silent, err := g.Join(w.within(patience), "silent", nil)
		require.NoError(w, err)
		java("Curator sees a member without a payload", members("docent", "\x00\xff", "java 1", "hello", "java 2", "", "silent", ""))
		require.NoError(w, silent.Leave(w.within(patience)))
		java("it has left", want)
		require.Equal(w, want, seen(w, g))

		ctx, cancel := context.WithCancel(w.within(patience))
		events := make(chan string, 100)
		watching := later(func() (struct{}, error) {
			for change, err := range g.Changes(ctx) {
				if err != nil {
					return struct{}{}, err
				}
				for _, e := range change.Events {
					events <- fmt.Sprintf("%s %s %s", e.Member.ID, e.Kind, e.Member.Payload)
				}
			}
			return struct{}{}, nil
		})
		for range 3 {
			require.Contains(w, <-events, "joined")
		}
		a.Do("elect.payload", path, hex.EncodeToString([]byte("busy")))
		require.Equal(w, "java 1 updated busy", <-events)
		require.NoError(w, m.UpdatePayload(w.within(patience), []byte("idle")))
		require.Equal(w, "docent updated idle", <-events)
		java("Curator sees our update", members("docent", "idle", "java 1", "busy", "java 2", ""))
		b.Do("elect.leave", path)
		require.Equal(w, "java 2 left ", <-events)
		require.NoError(w, m.Leave(context.Background()))
		require.Equal(w, "docent left idle", <-events)
		java("Curator is alone", members("java 1", "busy"))
		a.Do("elect.leave", path)
		require.Equal(w, "java 1 left busy", <-events)
		cancel()
		_, err = watching.get()
		require.NoError(w, err)
	})

	w.part("killed", func(w *world) {
		const path = "/group/killed"
		g := groupmembership.NewGroup(w.docent(), path)
		doomed := w.curator()
		doomed.Actor("a").Do("elect.join", path, "java", "01")
		sm, kill := w.doomed()
		_, err := groupmembership.NewGroup(sm, path).Join(w.within(patience), "docent", []byte{2})
		require.NoError(w, err)
		a := java.As(w).Actor("a")
		a.Do("elect.join", path, "observer", "03")
		w.settles("all are in", func() bool {
			got, err := a.Go("elect.members", path).Result()
			return err == nil && got == members("docent", "\x02", "java", "\x01", "observer", "\x03")
		})
		kill()
		doomed.Kill()
		w.settles("Curator sees both gone", func() bool {
			got, err := a.Go("elect.members", path).Result()
			return err == nil && got == members("observer", "\x03")
		})
		w.settles("so do we", func() bool { return seen(w, g) == members("observer", "\x03") })
		a.Do("elect.leave", path)
	})

	// An id that a Curator member has is refused to Docent.
	w.part("an id of Curator's", func(w *world) {
		const path = "/group/taken"
		a := java.As(w).Actor("a")
		a.Do("elect.join", path, "one", "01")
		g := groupmembership.NewGroup(w.docent(), path, groupmembership.Refuse())
		w.settles("Curator is in", func() bool { return seen(w, g) == members("one", "\x01") })
		_, err := g.Join(w.within(patience), "one", nil)
		require.ErrorIs(w, err, session.ErrIDTaken)
		a.Do("elect.leave", path)
	})

	// Uses that must not share the path. If one of these fails, the table in
	// docs/interop.md is out of date.

	w.part("never: an id of ours", func(w *world) {
		const path = "/group/twice"
		g := groupmembership.NewGroup(w.docent(), path)
		m, err := g.Join(w.within(patience), "one", []byte("ours"))
		require.NoError(w, err)
		a := java.As(w).Actor("a")
		a.Do("elect.join", path, "one", hex.EncodeToString([]byte("theirs")))
		w.settles("Curator writes over our payload", func() bool { return seen(w, g) == members("one", "theirs") })
		before := m.State()
		require.True(w, before.In, "Docent does not notice")
		a.Do("elect.leave", path)
		w.settles("Curator has removed our node, and we are back", func() bool {
			now := m.State()
			return now.In && now.Token > before.Token && seen(w, g) == members("one", "ours")
		})
		require.NoError(w, m.Leave(context.Background()))
	})

	w.part("never: kazoo's Party", func(w *world) {
		const path = "/group/party"
		k := python.As(w).Actor("a")
		g := groupmembership.NewGroup(w.docent(), path)
		m, err := g.Join(w.within(patience), "docent", nil)
		require.NoError(w, err)
		k.Do("group.join", path, "kazoo")
		require.Equal(w, "kazoo", k.Do("group.members", path), "kazoo's Party sees others now")
		var all []groupmembership.Member
		w.settles("both are members", func() bool { // our server may lag behind kazoo's
			all, err = g.Members(w.within(patience))
			return err == nil && len(all) == 2
		})
		require.True(w, slices.ContainsFunc(all, func(m groupmembership.Member) bool {
			return strings.HasSuffix(m.ID, "__party__") && string(m.Payload) == "kazoo"
		}), "it is a member under the name of its node")
		require.NoError(w, m.Leave(context.Background()))
	})
}
