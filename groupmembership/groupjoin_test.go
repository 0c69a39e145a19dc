package groupmembership_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestJoin(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		require.Empty(w, list(a), "no group, no members")
		require.Empty(w, w.Srv.Paths())
		ma := join(a, "host-7", "load 1")
		mb := join(b, "host-8", "")
		w.Put(path+"/by hand", "no member")
		require.Equal(w, "host-7=load 1 host-8=", list(a))
		require.Equal(w, "host-7", ma.ID())
		require.Equal(w, path+"/host-7", ma.Path())
		require.Equal(w, path, group(a).Path())

		info, _ := w.Srv.Node(path + "/host-8")
		require.Empty(w, info.Data, "an empty payload is empty, and no address")
		require.Equal(w, session.Presence{In: true, Token: info.Stat.Czxid, Session: session.ID(b.Current().ID())}, mb.State())
		members, err := group(a).Members(w.Context())
		require.NoError(w, err)
		m := members[1]
		require.Equal(w, info.Stat.Czxid, m.Token)
		require.Equal(w, session.ID(b.Current().ID()), m.Session)
		require.Equal(w, path+"/host-8", m.Path)
		require.Equal(w, time.UnixMilli(info.Stat.Ctime), m.Since)
		require.Equal(w, time.UnixMilli(info.Stat.Mtime), m.Updated)

		require.NoError(w, ma.UpdatePayload(w.Context(), []byte("load 2")))
		require.Equal(w, "host-7=load 2 host-8=", list(b))
		require.NoError(w, ma.Leave(context.Background()))
		require.NoError(w, ma.Leave(context.Background()))
		<-ma.Done()
		require.Equal(w, session.Presence{Err: session.ErrReleased, Token: ma.State().Token}, ma.State())
		require.ErrorIs(w, ma.UpdatePayload(w.Context(), nil), session.ErrReleased)
		require.Equal(w, "host-8=", list(b))

		join(a, "host-7", "again")
		require.Equal(w, "host-7=again host-8=", list(b))
	})
}

func TestJoinRefusesNames(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		for _, id := range []string{"", ".", "..", "a/b", "/a", "a\x00", "a\n", "\xff", "\u200b\ufff0"} {
			_, err := group(p).Join(w.Context(), id, nil)
			var invalid *znode.PathError
			require.ErrorAs(w, err, &invalid, "%q", id)
			require.ErrorContains(w, err, "join group "+path)
		}
		for _, bad := range []string{"", "a", "/", "/a/", "/zookeeper"} {
			g := groupmembership.NewGroup(p.Manager, bad)
			_, err := g.Join(w.Context(), "x", nil)
			require.ErrorContains(w, err, "invalid path")
			_, err = g.Members(w.Context())
			require.ErrorContains(w, err, "invalid path")
			n := 0
			for _, err := range g.Changes(w.Context()) {
				require.ErrorContains(w, err, "invalid path")
				n++
			}
			require.Equal(w, 1, n)
		}
		require.Empty(w, w.Srv.Paths())
		for _, id := range []string{"10.0.0.1:8080", "worker 7", "größe", "..."} {
			require.Equal(w, id, join(p, id, "").ID())
		}
	})
}

// Two processes claim one id: the second gets an error, the first is
// undisturbed.
func TestDuplicateID(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		ma := join(a, "host-7", "a")
		o := observe(a)
		o.take()
		for _, opts := range [][]groupmembership.GroupOption{nil, {groupmembership.Refuse()}} {
			_, err := group(b, opts...).Join(w.Context(), "host-7", []byte("b"))
			require.ErrorIs(w, err, session.ErrIDTaken)
			require.ErrorContains(w, err, "join group /clusterServers/host-7: the id is in use: session 0x")
			require.ErrorContains(w, err, " holds it; choose another id, or end the process that holds it")
		}
		_, err := group(a).Join(w.Context(), "host-7", []byte("a again"))
		require.ErrorIs(w, err, session.ErrIDTaken)
		require.Empty(w, o.take())
		require.Equal(w, "host-7=a", list(b))
		require.True(w, ma.State().In)

		w.Put(path+"/by hand", "")
		_, err = group(b).Join(w.Context(), "by hand", nil)
		require.ErrorIs(w, err, session.ErrNotEphemeral)
	})
}

func TestReplaceMember(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		ma := join(a, "host-7", "a")
		o := observe(w.Process())
		o.take()
		mb := join(b, "host-7", "b", groupmembership.Replace())
		require.Equal(w, "[-host-7 +host-7=b]", o.take())
		s := ma.State()
		require.False(w, s.In)
		require.ErrorIs(w, s.Err, session.ErrReplaced)
		require.ErrorIs(w, ma.UpdatePayload(w.Context(), []byte("a2")), session.ErrReplaced)
		require.NoError(w, mb.Leave(context.Background()))
		awaitState(w, ma, in)
		require.Equal(w, "host-7=a", list(b), "the refused payload is forgotten")
	})
}

// Leave works after every context has ended, and while the server is away.
func TestHardCase27_LeaveDuringAnOutage(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, other := w.Process(), w.Process()
		ctx, cancel := context.WithCancel(w.Context())
		m, err := group(p).Join(ctx, "host-7", nil)
		require.NoError(w, err)
		cancel()
		require.True(w, m.State().In, "ctx bounds Join alone")
		p.Link.Cut(zktest.Both)
		left := testworld.Go(w, func(context.Context) (struct{}, error) { return struct{}{}, m.Leave(context.Background()) })
		require.True(w, left.Waiting())
		p.Link.Heal()
		left.Get()
		require.Empty(w, list(other))

		allow := w.Fail(zktest.OpDelete, path+"/host-8", zktest.CodeNoAuth)
		m = join(p, "host-8", "")
		require.ErrorIs(w, m.Leave(context.Background()), session.ErrNoAuth)
		allow()
		require.NoError(w, m.Leave(context.Background()))
		require.Empty(w, list(other))
	})
}

// The payload may be set whatever the state of the member is, and only the
// server decides which members are in the group.
func TestHardCase79_PayloadWhileAway(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, other := w.Process(), w.Process()
		m := join(p, "host-7", "v1")
		p.Sever()
		require.False(w, m.State().In)
		require.ErrorIs(w, m.State().Err, session.ErrTrustElapsed)
		require.Empty(w, list(other))
		err := m.UpdatePayload(w.Within(time.Second), []byte("v2"))
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.ErrorContains(w, err, "update member "+path+"/host-7: ")
		p.Link.Heal()
		awaitState(w, m, in)
		require.Equal(w, "host-7=v2", list(other))
		require.ErrorIs(w, m.UpdatePayload(w.Context(), make([]byte, session.DefaultMaxRequest)), session.ErrTooLarge)
		w.Remove(path + "/host-7")
		require.NoError(w, m.UpdatePayload(w.Context(), []byte("v3")))
		require.Equal(w, "host-7=v3", list(other))
	})
}

func TestMembershipChanges(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		m := join(p, "host-7", "")
		seen := make(chan string, 100)
		go func() {
			defer close(seen)
			for s, err := range m.Changes(w.Context()) {
				switch {
				case err != nil:
					seen <- "error: " + err.Error()
				case s.In:
					seen <- "in"
				default:
					seen <- s.Err.Error()
				}
			}
			seen <- "end"
		}()
		require.Equal(w, "in", <-seen)
		// That it is out lasts for a while: else it may not be told.
		p.Link.Delay(time.Millisecond)
		for range 30 { // who is told first, the loop or the node's keeper, is a matter of luck
			p.Expire()
			require.Equal(w, session.ErrExpired.Error(), <-seen)
			require.Equal(w, "in", <-seen)
		}
		require.NoError(w, m.Leave(context.Background()))
		require.Equal(w, session.ErrReleased.Error(), <-seen)
		require.Equal(w, "end", <-seen)

		m = join(p, "host-8", "")
		for range m.Changes(testworld.Cancelled()) {
			require.Fail(w, "a ctx that is done")
		}
		for s := range m.Changes(w.Context()) {
			require.True(w, s.In)
			break
		}
		require.NoError(w, p.Close())
		<-m.Done()
		synctest.Wait()
		for _, err := range m.Changes(w.Context()) {
			require.ErrorIs(w, err, session.ErrClosed)
		}
	})
}
