package groupmembership_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestWatch(t *testing.T) {
	testworld.EachRelease(t, func(w *testworld.World, _ zktest.Release) {
		p := w.Process()
		o := observe(w.Process())
		require.Equal(w, "[]", o.take(), "no group")
		b := join(p, "b", "1")
		require.Equal(w, "[+b=1]", o.take())
		late := observe(w.Process())
		require.Equal(w, "[+b=1]", late.take(), "first the present members")
		a := join(p, "a", "1")
		require.NoError(w, b.UpdatePayload(w.Context(), []byte("2")))
		require.Equal(w, "a=1 b=2", list(p))
		require.Contains(w, []string{"[+a=1 ~b=2]", "[+a=1] [~b=2]"}, o.take())
		require.Equal(w, "a=1 b=2", o.members())
		require.NoError(w, b.UpdatePayload(w.Context(), []byte("2")))
		require.Equal(w, "[~b=2]", o.take(), "the same again is a sign of life")
		w.Put(path+"/by hand", "no member")
		w.Put(path+"/by hand/below", "no member")
		w.Put(path+"/by hand", "changed")
		require.Empty(w, o.take())
		require.NoError(w, a.Leave(context.Background()))
		require.Equal(w, "[-a]", o.take())
		require.Equal(w, "b=2", o.members())
		require.NoError(w, b.Leave(context.Background()))
		require.Equal(w, "[-b]", o.take())
		w.Remove(path)
		require.Empty(w, o.take(), "still no member")
		join(p, "c", "")
		require.Equal(w, "[+c=]", o.take())
		require.NoError(w, o.Cancel())
		require.Empty(w, o.take(), "the end of ctx is no error of its own")
	})
}

// A member that leaves and comes back between two reads has both events.
func TestWatchSlowly(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		a := join(p, "a", "1")
		join(p, "b", "1")
		var seen []string
		for change, err := range group(w.Process()).Changes(w.Context()) {
			require.NoError(w, err)
			seen = append(seen, showEvents(change.Events))
			if len(seen) == 2 {
				break
			}
			require.NoError(w, a.Leave(context.Background()))
			c := join(p, "c", "")
			join(p, "a", "2")
			d := join(p, "d", "")
			for i := range 5 {
				require.NoError(w, d.UpdatePayload(w.Context(), fmt.Append(nil, i)))
			}
			require.NoError(w, c.Leave(context.Background()))
			time.Sleep(5 * time.Second)
		}
		require.Equal(w, []string{"+a=1 +b=1", "-a +a=2 +d=4"}, seen)
	})
}

func TestWatchThroughSessions(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, watching := w.Process(), w.Process()
		a := join(p, "a", "")
		o := observe(watching)
		require.Equal(w, "[+a=]", o.take())
		watching.Link.Disconnect() // a flicker
		require.Empty(w, o.take())
		watching.Expire()
		time.Sleep(5 * time.Second)
		require.Equal(w, "! []", o.take(), "not known, and then known again")
		require.ErrorIs(w, o.Errs()[0], session.ErrSessionEnded)
		require.ErrorContains(w, o.Errs()[0], "watch group "+path)

		watching.Link.Cut(zktest.Both)
		time.Sleep(time.Hour)
		require.Equal(w, "!", o.take(), "once for the whole outage")
		require.NoError(w, a.Leave(context.Background()))
		join(p, "b", "")
		watching.Link.Heal()
		time.Sleep(20 * time.Second)
		require.Equal(w, "[-a +b=]", o.take())

		require.NoError(w, watching.Close())
		require.NoError(w, o.Wait())
		require.ErrorIs(w, o.Errs()[len(o.Errs())-1], session.ErrClosed)
	})
}

func TestWatchWithoutRight(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		join(w.Process(), "a", "")
		allow := w.Fail(zktest.OpGetChildren2, path, zktest.CodeNoAuth)
		o := observe(w.Process())
		time.Sleep(time.Hour)
		require.Equal(w, "!", o.take(), "an error that only repeats is yielded once")
		require.ErrorIs(w, o.Errs()[0], session.ErrNoAuth)
		allow()
		time.Sleep(time.Minute)
		require.Equal(w, "[+a=]", o.take(), "it may be granted later")

		_, err := groupmembership.NewGroup(w.Process().Manager, path).Members(testworld.Cancelled())
		require.Error(w, err)
	})
}

// A member that may not be read is reported, with an error that names it. The
// others are still reported.
func TestWatchOneWithoutRight(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		join(p, "a", "")
		watching := w.Process()
		me := watching.Current().ID()
		join(p, "secret", "")
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Session == me && r.Op == zktest.OpGetData && strings.HasSuffix(r.Path, "/secret") {
				return zktest.Fail(zktest.CodeNoAuth)
			}
			return zktest.Pass
		})
		o := observe(watching)
		require.Equal(w, "[+secret= +a=] !", o.take())
		join(p, "b", "")
		time.Sleep(time.Minute)
		require.Equal(w, "[+b=]", o.take())
		require.True(w, errors.Is(o.Errs()[0], session.ErrNoAuth))
	})
}

// A session dies on one member: the watcher sees it go and come back; it sees
// nothing at a restart of the server.
func TestHardCase23_WatcherSeesNoFlap(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		o := observe(w.Process())
		require.Equal(w, "[]", o.take())
		m := join(p, "a", "1")
		require.Equal(w, "[+a=1]", o.take())
		for range 5 {
			w.Srv.Restart()
			p.Link.Disconnect()
			require.Empty(w, o.take())
		}
		require.True(w, m.State().In)
		p.Expire()
		time.Sleep(3 * time.Second)
		require.Contains(w, []string{"[-a +a=1]", "[-a] [+a=1]"}, o.take())
	})
}
