package zktest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

func TestLinkCutBothWaysExpiresTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		link := s.Link()
		c := connect(t, link.Dial, 9*time.Second)
		c.create(t, "/e", "", zk.FlagEphemeral)
		start := time.Now()
		link.Cut(zktest.Both)
		time.Sleep(8 * time.Second)
		require.NotEqual(t, zk.StateHasSession, c.State())
		require.Equal(t, []string{"/e"}, s.Paths())
		time.Sleep(time.Until(start.Add(10 * time.Second)))
		require.Empty(t, s.Paths())
		require.False(t, c.saw(zk.StateExpired), "the expiry cannot reach the client")
		link.Heal()
		time.Sleep(2 * time.Second)
		require.True(t, c.saw(zk.StateExpired))
	})
}

func TestLinkCutOneWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		require.NoError(t, s.Put("/a", nil))
		link := s.Link()
		c, err := link.Dial("tcp", "x", 0)
		require.NoError(t, err)
		r := &raw{t: t, c: c}
		defer func() { require.NoError(t, c.Close()) }()
		require.NoError(t, r.handshake(0, 0, 10000, make([]byte, 16), true))
		r.ask(zktest.OpGetData, str("/a"), flag(true))

		link.Cut(zktest.ToServer)
		r.write(i4(7), i4(int32(zktest.OpSetData)), str("/a"), str("late"), i4(-1))
		require.NoError(t, s.Put("/a", []byte("now")))
		require.Equal(t, "3 /a", r.event(), "events still come")
		n, _ := s.Node("/a")
		require.Equal(t, "now", string(n.Data))
		link.Heal()
		got, err := r.next()
		require.NoError(t, err)
		require.EqualValues(t, 7, got.xid)
		n, _ = s.Node("/a")
		require.Equal(t, "late", string(n.Data))

		link.Cut(zktest.ToClient)
		r.write(i4(8), i4(int32(zktest.OpSetData)), str("/a"), str("done"), i4(-1))
		synctest.Wait()
		n, _ = s.Node("/a")
		require.Equal(t, "done", string(n.Data), "executed, although the answer is lost")
		link.Heal()
		got, err = r.next()
		require.NoError(t, err)
		require.EqualValues(t, 8, got.xid)
	})
}

func TestLinkDials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		link := s.Link()
		link.Cut(zktest.ToServer)
		start := time.Now()
		_, err := link.Dial("tcp", "x", 3*time.Second)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 3*time.Second, time.Since(start))
		time.AfterFunc(time.Second, link.Heal)
		c, err := link.Dial("tcp", "x", 3*time.Second)
		require.NoError(t, err)
		require.Equal(t, 4*time.Second, time.Since(start))
		require.NoError(t, c.Close())

		link.Refuse(true)
		_, err = link.Dial("tcp", "x", time.Second)
		require.ErrorContains(t, err, "refused")
		link.Refuse(false)
		link.Delay(100 * time.Millisecond)
		start = time.Now()
		c, err = link.Dial("tcp", "x", time.Second)
		require.NoError(t, err)
		require.Equal(t, 200*time.Millisecond, time.Since(start), "a dial takes a round trip")
		require.NoError(t, c.Close())
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err = s.DialContext(ctx, "tcp", "x")
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestLinkDelayKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		link := s.Link()
		c := connect(t, link.Dial, 10*time.Second)
		link.Delay(time.Second)
		start := time.Now()
		c.create(t, "/a", "", 0)
		require.Equal(t, 2*time.Second, time.Since(start))

		done := make(chan time.Duration, 1)
		start = time.Now()
		go func() {
			_, err := c.Set("/a", []byte("slow"), -1)
			require.NoError(t, err)
			done <- time.Since(start)
		}()
		synctest.Wait()
		link.Delay(0)
		_, _, err := c.Get("/a")
		require.NoError(t, err)
		require.Equal(t, time.Second, time.Since(start), "the frame waits for the one before it")
		require.Equal(t, time.Second, <-done)
	})
}

func TestPartitionOfASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		r, other := rawSession(t, s), rawSession(t, s)
		s.Partition(r.id, zktest.ToServer)
		r.write(i4(1), i4(int32(zktest.OpCreate)), str("/late"), i4(-1), anyone, i4(0))
		require.Equal(t, zktest.CodeNoNode, other.ask(zktest.OpExists, str("/late"), flag(false)).code)
		time.Sleep(5 * time.Second)
		s.Heal(r.id)
		_, err := r.next()
		require.NoError(t, err)
		require.Equal(t, zktest.CodeOK, other.ask(zktest.OpExists, str("/late"), flag(false)).code)

		s.Partition(r.id, zktest.ToClient)
		r.write(i4(2), i4(int32(zktest.OpDelete)), str("/late"), i4(-1))
		time.Sleep(9 * time.Second)
		require.Equal(t, zktest.CodeNoNode, other.ask(zktest.OpExists, str("/late"), flag(false)).code)
		time.Sleep(2 * time.Second)
		require.Len(t, s.Sessions(), 1, "the session has expired")
		s.Heal(r.id)
		got, err := r.next()
		require.NoError(t, err)
		require.EqualValues(t, 2, got.xid)
		r.requireClosed()
		s.Partition(4711, zktest.Both) // no such session
	})
}

func TestFreeze(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		short, long := rawSession(t, s), rawDial(t, s)
		require.NoError(t, long.handshake(0, 0, 30000, make([]byte, 16), true))
		require.Equal(t, zktest.CodeOK, short.ask(zktest.OpCreate, str("/e"), i4(-1), anyone, i4(1)).code)
		s.Freeze()
		short.write(i4(9), i4(int32(zktest.OpPing)))
		long.write(i4(9), i4(int32(zktest.OpSetData)), str("/e"), i4(-1), i4(-1))
		fresh := rawDial(t, s)
		fresh.write(i4(0), i8(0), i4(9000), i8(0), i4(16), make([]byte, 16))
		time.Sleep(20 * time.Second)
		require.Equal(t, []string{"/e"}, s.Paths(), "a frozen server expires no session")
		require.Len(t, s.Sessions(), 2, "a frozen server opens no session")
		s.Thaw()
		short.requireClosed()
		got, err := long.next()
		require.NoError(t, err)
		require.Equal(t, zktest.CodeNoNode, got.code, "the expiry came before the queued request")
		_, err = fresh.read()
		require.NoError(t, err)
		s.Thaw() // does nothing
		time.Sleep(29 * time.Second)
		require.Len(t, s.Sessions(), 1, "the queued request has touched its session at the thaw")
	})
}

func TestHangHandshakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		s.HangHandshakes(true)
		r := rawDial(t, s)
		r.write(i4(0), i8(0), i4(9000), i8(0), i4(16), make([]byte, 16))
		require.NoError(t, r.c.SetReadDeadline(time.Now().Add(time.Hour)))
		_, err := r.read()
		require.ErrorContains(t, err, "timeout")
		require.Empty(t, s.Sessions())
		s.HangHandshakes(false)
		rawSession(t, s)
	})
}

func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		c := connect(t, s.Dial, 10*time.Second)
		c.create(t, "/e", "", zk.FlagEphemeral)
		idle := rawSession(t, s)
		time.Sleep(9 * time.Second)
		s.Restart()
		idle.requireClosed()
		time.Sleep(9 * time.Second)
		require.Len(t, s.Sessions(), 2, "timeouts start anew")
		require.Equal(t, zk.StateHasSession, c.State())
		require.False(t, c.saw(zk.StateExpired))
		time.Sleep(2 * time.Second)
		require.Len(t, s.Sessions(), 1)
		require.Equal(t, []string{"/e"}, s.Paths())
	})
}

func TestWipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		r := rawSession(t, s)
		require.NoError(t, s.Put("/a", nil))
		s.Wipe()
		r.requireClosed()
		require.Empty(t, s.Paths())
		require.Empty(t, s.Sessions())
		require.Zero(t, s.Zxid())
		back := rawDial(t, s)
		require.Error(t, back.handshake(2, r.id, 9000, r.pass, true), "the client has seen a zxid that the server does not know")
		back = rawDial(t, s)
		require.NoError(t, back.handshake(0, r.id, 9000, r.pass, true))
		require.Zero(t, back.id)
		require.NotEqual(t, r.id, rawSession(t, s).id)
	})
}

func TestLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		require.NoError(t, s.Put("/a", []byte("old")))
		r := rawSession(t, s)
		read := func() string { return string(r.ask(zktest.OpGetData, str("/a"), flag(false)).body[4:7]) }
		r.ask(zktest.OpGetData, str("/a"), flag(true))
		s.Lag(r.id)
		s.Lag(r.id) // it lags already
		require.NoError(t, s.Put("/a", []byte("new")))
		require.Equal(t, "old", read())
		require.Equal(t, zktest.CodeNoNode, r.ask(zktest.OpExists, str("/b"), flag(true)).code)
		require.NoError(t, s.Put("/b", nil))
		require.Equal(t, 2, s.Watches())
		require.Equal(t, 2, s.SessionWatches(r.id))

		r.write(i4(9), i4(int32(zktest.OpSync)), str("/"))
		require.Equal(t, "3 /a", r.event())
		require.Equal(t, "1 /b", r.event(), "a watch set on the old state fires for changes after that state")
		_, err := r.next()
		require.NoError(t, err)
		require.Equal(t, "new", read())

		r.ask(zktest.OpGetData, str("/a"), flag(true))
		s.Lag(r.id)
		require.NoError(t, s.Put("/c", nil))
		require.Equal(t, zktest.CodeOK, r.ask(zktest.OpCreate, str("/d"), i4(-1), anyone, i4(0)).code)
		require.Equal(t, zktest.CodeOK, r.ask(zktest.OpExists, str("/c"), flag(false)).code, "the session's own write ends its lag")
		require.Equal(t, 1, s.Watches(), "the watch that did not fire remains")
		s.Lag(r.id)
		require.NoError(t, s.Put("/a", []byte("end")))
		s.CatchUp(r.id)
		require.Equal(t, "3 /a", r.event())
		s.CatchUp(4711) // no such session
		s.Lag(4711)

		s.Lag(r.id)
		s.Expire(r.id)
		require.NoError(t, s.Put("/a", []byte("after")))
	})
}
