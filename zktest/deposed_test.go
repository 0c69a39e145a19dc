package zktest_test

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// rawLink opens a connection and a session over a link.
func rawLink(t testing.TB, l *zktest.Link) *raw {
	t.Helper()
	r := rawLinkDial(t, l)
	require.NoError(t, r.handshake(0, 0, 10_000, make([]byte, 16), true))
	require.NotZero(t, r.id)
	return r
}

func rawLinkDial(t testing.TB, l *zktest.Link) *raw {
	t.Helper()
	c, err := l.Dial("tcp", "any", time.Second)
	require.NoError(t, err)
	r := &raw{t: t, c: c, pass: make([]byte, 16)}
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return r
}

// silentFor waits for d and requires that no frame arrives.
func (r *raw) silentFor(d time.Duration, why string) {
	r.t.Helper()
	require.NoError(r.t, r.c.SetReadDeadline(time.Now().Add(d)))
	_, err := r.read()
	require.ErrorIs(r.t, err, os.ErrDeadlineExceeded, why)
	require.NoError(r.t, r.c.SetReadDeadline(time.Time{}))
}

// send sends a request and returns its xid.
func (r *raw) send(op zktest.Op, body ...[]byte) int32 {
	r.xid++
	r.write(i4(r.xid), i4(int32(op)), join(body...))
	return r.xid
}

func multiOf(op zktest.Op, body ...[]byte) []byte {
	return join(i4(int32(op)), flag(false), i4(-1), join(body...), i4(-1), flag(true), i4(-1))
}

func TestDeposedLeaderAnswersFromWhatItHad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		link := s.Link()
		require.NoError(t, s.Put("/a", []byte("old")))
		r := rawLink(t, link)
		require.Equal(t, zktest.CodeOK, r.ask(zktest.OpCreate, str("/e"), i4(-1), anyone, i4(1)).code)
		r.ask(zktest.OpGetData, str("/a"), flag(true))
		r.ask(zktest.OpExists, str("/new"), flag(true))
		before := s.Zxid()

		old := s.Depose(link)
		require.NoError(t, s.Put("/a", []byte("new")))
		require.NoError(t, s.Put("/new", nil))
		require.Equal(t, 2, s.Watches(), "no watch has fired")
		require.Equal(t, 2, s.SessionWatches(r.id))
		require.Equal(t, 1, s.WatchesOf("/a"))

		got := r.ask(zktest.OpGetData, str("/a"), flag(false))
		require.Equal(t, "old", string(got.body[4:7]))
		require.Equal(t, before, got.zxid)
		require.Equal(t, before, r.ask(zktest.OpPing).zxid)
		require.Equal(t, zktest.CodeOK, r.ask(zktest.OpSync, str("/")).code)
		require.Equal(t, zktest.CodeNoNode, r.ask(zktest.OpExists, str("/new"), flag(true)).code)
		require.Equal(t, zktest.CodeOK, r.ask(zktest.OpAuth, i4(0), str("digest"), str("u:p")).code)
		require.Equal(t, zktest.CodeOK, r.ask(zktest.OpGetChildren2, str("/"), flag(false)).code)
		require.Equal(t, join(i4(1), str("/e")), r.ask(zktest.OpGetEphemerals, str("/")).body)
		require.Equal(t, zktest.CodeOK, r.ask(zktest.OpSetWatches, i8(before), i4(1), str("/a"), i4(0), i4(0)).code, "no event came first")

		other := rawSession(t, s)
		require.Equal(t, "new", string(other.ask(zktest.OpGetData, str("/a"), flag(false)).body[4:7]))
		old.StepDown()
		old.StepDown()
		r.requireClosed()
		require.Zero(t, s.Watches())

		back := rawLinkDial(t, link)
		require.NoError(t, back.handshake(before, r.id, 10_000, r.pass, true))
		require.Equal(t, r.id, back.id)
		require.Equal(t, "new", string(back.ask(zktest.OpGetData, str("/a"), flag(false)).body[4:7]))
		require.Equal(t, zktest.CodeOK, back.ask(zktest.OpDelete, str("/a"), i4(-1)).code)
	})
}

// TestDeposedLeaderCommitsNothing sends each kind of request that a quorum has
// to commit, on a session of its own.
func TestDeposedLeaderCommitsNothing(t *testing.T) {
	for name, req := range map[string]struct {
		op   zktest.Op
		body []byte
	}{
		"create":          {zktest.OpCreate, join(str("/n"), i4(-1), anyone, i4(0))},
		"create refused":  {zktest.OpCreate, join(str("/a"), i4(-1), anyone, i4(0))},
		"create2":         {zktest.OpCreate2, join(str("/n"), i4(-1), anyone, i4(0))},
		"createContainer": {zktest.OpCreateContainer, join(str("/n"), i4(-1), anyone, i4(4))},
		"setData":         {zktest.OpSetData, join(str("/a"), str("x"), i4(-1))},
		"setData refused": {zktest.OpSetData, join(str("/a"), str("x"), i4(77))},
		"delete":          {zktest.OpDelete, join(str("/a"), i4(-1))},
		"setACL":          {zktest.OpSetACL, join(str("/a"), anyone, i4(-1))},
		"multi":           {zktest.OpMulti, multiOf(zktest.OpCheck, str("/a"), i4(-1))},
		"multi refused":   {zktest.OpMulti, multiOf(zktest.OpCheck, str("/a"), i4(77))},
		"broken":          {zktest.OpCreate, str("/n")},
		"reconfig":        {zktest.OpReconfig, join(i4(-1), i4(-1), str("x"), i8(-1))},
		"closeSession":    {zktest.OpCloseSession, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := zktest.New(t)
				require.NoError(t, s.Put("/a", []byte("was")))
				link := s.Link()
				r := rawLink(t, link)
				old := s.Depose(link)
				before := s.Zxid()
				require.Equal(t, zktest.CodeOK, r.ask(zktest.OpSync, str("/")).code)
				r.send(req.op, req.body)
				r.send(zktest.OpGetData, str("/a"), flag(false))
				r.write(i4(-2), i4(int32(zktest.OpPing)))
				r.silentFor(9*time.Second, "later requests wait too")
				require.Equal(t, before, s.Zxid())
				require.Len(t, s.Sessions(), 1, "closeSession included")
				old.StepDown()
				r.requireClosed()
				require.Equal(t, []string{"/a"}, s.Paths())
				n, _ := s.Node("/a")
				require.Equal(t, "was", string(n.Data))
				require.Equal(t, before, s.Zxid(), "the request is lost for good")
			})
		})
	}
}

func TestDeposedLeaderQueuesPerSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		link := s.Link()
		r, neighbour := rawLink(t, link), rawLink(t, link)
		s.Depose(link)
		r.send(zktest.OpCreate, str("/n"), i4(-1), anyone, i4(0))
		require.Equal(t, zktest.CodeOK, r.ask(zktest.OpAuth, i4(0), str("digest"), str("u:p")).code, "an authentication does not wait")
		require.Equal(t, zktest.CodeOK, neighbour.ask(zktest.OpPing).code, "another session does not wait")

		back := rawLinkDial(t, link)
		require.NoError(t, back.handshake(0, r.id, 10_000, r.pass, true))
		require.Equal(t, r.id, back.id)
		r.requireClosed()
		back.send(zktest.OpPing)
		back.silentFor(5*time.Second, "the queue belongs to the session, not to its connection")
	})
}

func TestDeposedLeaderAndHandshakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		link := s.Link()
		r := rawLink(t, link)
		elsewhere := rawSession(t, s)
		early := rawLinkDial(t, link)
		s.Depose(link)
		seen := s.Zxid()
		require.NoError(t, s.Put("/a", nil))
		later := rawSession(t, s)

		hello := func(c *raw, seen, id int64, pass []byte) {
			c.write(i4(0), i8(seen), i4(10_000), i8(id), i4(16), pass)
		}
		hello(early, 0, 0, make([]byte, 16))
		fresh := rawLinkDial(t, link)
		hello(fresh, 0, 0, make([]byte, 16))
		ahead := rawLinkDial(t, link)
		hello(ahead, seen+1, r.id, r.pass)
		ahead.requireClosed()
		early.silentFor(time.Second, "no new session on a connection made before")
		fresh.silentFor(time.Second, "no new session on a connection made since")
		require.Len(t, s.Sessions(), 3)

		for id, pass := range map[int64][]byte{elsewhere.id: elsewhere.pass, r.id: r.pass} {
			back := rawLinkDial(t, link)
			require.NoError(t, back.handshake(seen, id, 10_000, pass, true))
			require.Equal(t, id, back.id, "the session is known and taken as alive")
			require.Equal(t, zktest.CodeOK, back.ask(zktest.OpSync, str("/")).code)
		}
		unknown := rawLinkDial(t, link)
		require.NoError(t, unknown.handshake(0, later.id, 10_000, later.pass, true))
		require.Zero(t, unknown.id, "the quorum has opened this session since")
		wrong := rawLinkDial(t, link)
		require.NoError(t, wrong.handshake(0, r.id, 10_000, make([]byte, 16), true))
		require.Zero(t, wrong.id)
		require.Equal(t, zktest.CodeOK, elsewhere.ask(zktest.OpPing).code, "the quorum serves the session as before")
	})
}

func TestDeposedLeaderKeepsNoSessionAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		link := s.Link()
		var gone time.Time
		s.OnChange(func(ch zktest.Change) {
			if ch.Kind == zktest.Deleted {
				gone = ch.Time
			}
		})
		r := rawLink(t, link)
		require.Equal(t, zktest.CodeOK, r.ask(zktest.OpCreate, str("/e"), i4(-1), anyone, i4(1)).code)
		time.Sleep(6 * time.Second)
		deposed := time.Now()
		old := s.Depose(link)
		require.Equal(t, deposed.Add(10*time.Second), s.Sessions()[0].ExpiresAt)
		require.False(t, s.Sessions()[0].Connected)
		for range 8 {
			time.Sleep(3 * time.Second)
			require.Equal(t, zktest.CodeOK, r.ask(zktest.OpPing).code)
			require.Equal(t, zktest.CodeOK, r.ask(zktest.OpExists, str("/e"), flag(false)).code)
		}
		require.Equal(t, deposed.Add(10*time.Second), gone)
		require.Empty(t, s.Sessions())
		old.StepDown()
		back := rawLinkDial(t, link)
		require.NoError(t, back.handshake(0, r.id, 10_000, r.pass, true))
		require.Zero(t, back.id, "expired")
	})
}

func TestDeposedLeaderExpiresSessionsOnItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		link := s.Link()
		r, moved := rawLink(t, link), rawLink(t, link)
		time.Sleep(6 * time.Second)
		old := s.Depose(link)
		back := rawDial(t, s)
		require.NoError(t, back.handshake(0, moved.id, 10_000, moved.pass, true))
		time.Sleep(5 * time.Second)
		r.send(zktest.OpPing)
		r.requireClosed() // the timeout counts from the last frame, not from the deposition
		for _, c := range []*raw{r, moved} {
			again := rawLinkDial(t, link)
			require.NoError(t, again.handshake(0, c.id, 10_000, c.pass, true))
			require.Zero(t, again.id, "an expiry that no quorum has agreed to")
		}
		require.Len(t, s.Sessions(), 2)
		require.Equal(t, zktest.CodeOK, back.ask(zktest.OpPing).code)
		old.StepDown()
	})
}

func TestDeposedLeaderAndOtherFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		link, other := s.Link(), s.Link()
		r, lagging := rawLink(t, link), rawLink(t, link)
		lagging.ask(zktest.OpExists, str("/a"), flag(true))
		s.Lag(lagging.id)
		require.NoError(t, s.Put("/a", nil))
		hold := make(chan struct{})
		remove := s.Intercept(func(r zktest.Request) zktest.Action {
			switch {
			case r.Op == zktest.OpCreate:
				return zktest.Hold(hold)
			case r.Deposed:
				return zktest.Fail(zktest.CodeThrottledOp)
			}
			return zktest.Pass
		})
		ended := rawLink(t, link)
		for _, c := range []*raw{ended, rawLink(t, link)} {
			c.send(zktest.OpCreate, str("/held"), i4(-1), anyone, i4(0))
		}
		synctest.Wait()
		require.NoError(t, ended.c.Close())
		synctest.Wait()

		old := s.Depose(link)
		require.Equal(t, "1 /a", lagging.event(), "a leader does not lag")
		require.Equal(t, zktest.CodeThrottledOp, r.ask(zktest.OpSync, str("/")).code)
		remove()
		s.Partition(lagging.id, zktest.ToClient)
		lagging.send(zktest.OpPing)
		lagging.silentFor(time.Second, "the link is cut off")
		s.Heal(lagging.id)
		_, err := lagging.next()
		require.NoError(t, err)
		s.Disconnect(lagging.id)
		lagging.requireClosed()

		second := s.Depose(other, link)
		elsewhere := rawLinkDial(t, other)
		elsewhere.write(i4(0), i8(0), i4(10_000), i8(0), i4(16), make([]byte, 16))
		elsewhere.silentFor(time.Second, "the link is with the second deposed leader")
		second.StepDown()
		elsewhere.requireClosed()
		require.Equal(t, zktest.CodeOK, r.ask(zktest.OpPing).code, "the link is still with the first")
		old.StepDown()
		close(hold)
		synctest.Wait()
		require.Equal(t, []string{"/a"}, s.Paths(), "the leader's held requests are lost, also those of an ended connection")

		s.Depose(link)
		s.Restart()
		rawLink(t, link)
	})
}
