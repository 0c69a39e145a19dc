package zktest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

func createOf(path string, flags int32) []byte { return join(str(path), i4(-1), anyone, i4(flags)) }

func TestSlowQuorumDelaysWhatItCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		r, reader := rawSession(t, s), rawSession(t, s)
		s.SlowQuorum(3 * time.Second)
		for _, req := range []struct {
			op   zktest.Op
			body []byte
			code zktest.Code
		}{
			{zktest.OpCreate, createOf("/a", 0), zktest.CodeOK},
			{zktest.OpCreate, createOf("/a", 0), zktest.CodeNodeExists},
			{zktest.OpSetData, join(str("/a"), str("x"), i4(77)), zktest.CodeBadVersion},
			{zktest.OpMulti, multiOf(zktest.OpCheck, str("/a"), i4(-1)), zktest.CodeOK},
			{zktest.OpDelete, join(str("/a"), i4(-1)), zktest.CodeOK},
		} {
			start, before := time.Now(), s.Zxid()
			r.send(req.op, req.body)
			require.Equal(t, zktest.CodeOK, reader.ask(zktest.OpPing).code)
			require.Equal(t, zktest.CodeOK, reader.ask(zktest.OpSync, str("/")).code)
			require.Equal(t, before, reader.ask(zktest.OpExists, str("/"), flag(false)).zxid)
			require.Equal(t, start, time.Now(), "reads do not wait")
			got, err := r.next()
			require.NoError(t, err)
			require.Equal(t, r.xid, got.xid)
			require.Equal(t, req.code, got.code, "%v", req.op)
			require.Equal(t, before+1, got.zxid)
			require.Equal(t, 3*time.Second, time.Since(start), "%v", req.op)
		}
		start := time.Now()
		fresh := rawSession(t, s)
		require.Equal(t, 3*time.Second, time.Since(start), "a new session waits for its commit too")
		fresh.send(zktest.OpCloseSession)
		_, err := fresh.next()
		require.NoError(t, err)
		require.Equal(t, 6*time.Second, time.Since(start))
		fresh.requireClosed()
		s.SlowQuorum(0)
		start = time.Now()
		rawSession(t, s)
		require.Equal(t, start, time.Now())
	})
}

func TestSlowQuorumKeepsTheOrderOfASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		r := rawSession(t, s)
		s.SlowQuorum(3 * time.Second)
		start := time.Now()
		r.send(zktest.OpCreate, createOf("/a", 0))
		r.send(zktest.OpExists, str("/a"), flag(false))
		r.write(i4(-2), i4(int32(zktest.OpPing)))
		require.Equal(t, zktest.CodeOK, r.ask(zktest.OpAuth, i4(0), str("digest"), str("u:p")).code)
		require.Equal(t, start, time.Now(), "an authentication does not wait")
		time.Sleep(time.Second)
		s.SlowQuorum(time.Second)
		second := r.send(zktest.OpSetData, str("/a"), str("x"), i4(-1))
		last := r.send(zktest.OpGetData, str("/a"), flag(false))
		for _, want := range []struct {
			xid int32
			at  time.Duration
		}{{1, 3 * time.Second}, {2, 3 * time.Second}, {-2, 3 * time.Second}, {second, 3 * time.Second}, {last, 3 * time.Second}} {
			got, err := r.next()
			require.NoError(t, err)
			require.Equal(t, want.xid, got.xid)
			require.Equal(t, zktest.CodeOK, got.code)
			require.Equal(t, want.at, time.Since(start), "no commit overtakes an older one")
		}
	})
}

// TestSlowQuorumCommitsFromAnOldConnection: a proposed write is committed even
// if its connection has ended. The session waits for it on its next connection.
func TestSlowQuorumCommitsFromAnOldConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		r := rawSession(t, s)
		s.SlowQuorum(3 * time.Second)
		start := time.Now()
		r.send(zktest.OpCreate, createOf("/a", 1))
		r.send(zktest.OpExists, str("/"), flag(true))
		synctest.Wait() // both have arrived before the session comes back
		back := rawDial(t, s)
		require.NoError(t, back.handshake(0, r.id, 10_000, r.pass, true))
		r.requireClosed()
		require.Equal(t, start, time.Now(), "a re-attachment needs no quorum")
		require.Equal(t, zktest.CodeOK, back.ask(zktest.OpSync, str("/")).code)
		require.Equal(t, 3*time.Second, time.Since(start), "a sync waits behind the session's own write")
		require.Equal(t, zktest.CodeOK, back.ask(zktest.OpExists, str("/a"), flag(false)).code)
		require.Zero(t, s.Watches())
	})
}

func TestLostQuorum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		r, reader := rawSession(t, s), rawSession(t, s)
		s.LoseQuorum(true)
		s.LoseQuorum(true)
		r.send(zktest.OpCreate, createOf("/a", 0))
		fresh := rawDial(t, s)
		fresh.write(i4(0), i8(0), i4(10_000), i8(0), i4(16), make([]byte, 16))
		gone := rawDial(t, s)
		gone.write(i4(0), i8(0), i4(30_000), i8(0), i4(16), make([]byte, 16))
		synctest.Wait()
		require.NoError(t, gone.c.Close())
		r.silentFor(5*time.Second, "nothing is committed")
		fresh.silentFor(time.Second, "no session is opened either")
		require.Equal(t, zktest.CodeNoNode, reader.ask(zktest.OpExists, str("/a"), flag(false)).code)
		r.write(i4(-2), i4(int32(zktest.OpPing)))
		s.LoseQuorum(false)
		got, err := r.next()
		require.NoError(t, err)
		require.Equal(t, zktest.CodeOK, got.code)
		_, err = fresh.read()
		require.NoError(t, err)
		require.Len(t, s.Sessions(), 4, "the session whose client has gone exists too")
		require.Equal(t, []string{"/a"}, s.Paths())

		s.LoseQuorum(true)
		r.send(zktest.OpCreate, createOf("/b", 0))
		synctest.Wait()
		s.Restart()
		s.LoseQuorum(false)
		require.Equal(t, []string{"/a"}, s.Paths(), "an election has lost the other writes")
		back := rawDial(t, s)
		require.NoError(t, back.handshake(0, r.id, 10_000, r.pass, true))
		require.Equal(t, zktest.CodeOK, back.ask(zktest.OpPing).code, "the requests that waited are lost too")
	})
}

func TestLostQuorumExpiresNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		r := rawSession(t, s)
		require.Equal(t, zktest.CodeOK, r.ask(zktest.OpCreate, createOf("/e", 1)).code)
		closer := rawSession(t, s)
		s.LoseQuorum(true)
		closer.send(zktest.OpCloseSession)
		synctest.Wait()
		early := rawDial(t, s)
		require.NoError(t, early.handshake(0, closer.id, 10_000, closer.pass, true))
		require.Zero(t, early.id, "the session is closing")
		closer.requireClosed()
		time.Sleep(11 * time.Second)
		require.Equal(t, []string{"/e"}, s.Paths())
		require.Len(t, s.Sessions(), 2)
		r.requireClosed() // its end is proposed
		back := rawDial(t, s)
		require.NoError(t, back.handshake(0, r.id, 10_000, r.pass, true))
		require.Zero(t, back.id)
		s.LoseQuorum(false)
		require.Empty(t, s.Paths())
		require.Empty(t, s.Sessions())
	})
}

func TestLostQuorumLosesAnExpiryInAnElection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		r := rawSession(t, s)
		s.LoseQuorum(true)
		time.Sleep(11 * time.Second)
		s.Restart()
		s.LoseQuorum(false)
		back := rawDial(t, s)
		require.NoError(t, back.handshake(0, r.id, 10_000, r.pass, true))
		require.Equal(t, r.id, back.id)
		time.Sleep(9 * time.Second)
		require.Len(t, s.Sessions(), 1)
		time.Sleep(2 * time.Second)
		require.Empty(t, s.Sessions())
	})
}

func TestSlowQuorumReapsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t, zktest.ContainerInterval(10*time.Second))
		c := connect(t, s.Dial, 10*time.Second)
		_, err := c.CreateContainer("/c", nil, zk.FlagContainer, open)
		require.NoError(t, err)
		c.create(t, "/c/x", "", 0)
		require.NoError(t, c.Delete("/c/x", -1))
		s.SlowQuorum(3 * time.Second)
		time.Sleep(12 * time.Second)
		require.Equal(t, []string{"/c"}, s.Paths())
		time.Sleep(2 * time.Second)
		require.Empty(t, s.Paths())
	})
}

func TestSlowQuorumAndOtherFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		link := s.Link()
		r, staying := rawSession(t, s), rawLink(t, link)
		s.SlowQuorum(3 * time.Second)

		start := time.Now()
		r.send(zktest.OpCreate, createOf("/a", 0))
		synctest.Wait()
		s.Freeze()
		time.Sleep(5 * time.Second)
		require.Empty(t, s.Paths(), "a stopped server commits nothing")
		s.Thaw()
		require.Equal(t, []string{"/a"}, s.Paths())
		_, err := r.next()
		require.NoError(t, err)
		require.Equal(t, 5*time.Second, time.Since(start))

		require.Equal(t, zktest.CodeOK, staying.ask(zktest.OpPing).code)
		remove := s.Intercept(on(zktest.OpExists, zktest.Fail(zktest.CodeThrottledOp)))
		start = time.Now()
		require.Equal(t, zktest.CodeThrottledOp, r.ask(zktest.OpExists, str("/a"), flag(false)).code)
		require.Equal(t, start, time.Now())
		r.send(zktest.OpDelete, str("/a"), i4(-1))
		r.send(zktest.OpExists, str("/a"), flag(false))
		for _, code := range []zktest.Code{zktest.CodeOK, zktest.CodeThrottledOp} {
			got, err := r.next()
			require.NoError(t, err)
			require.Equal(t, code, got.code)
			require.Equal(t, 3*time.Second, time.Since(start), "-127 keeps the order too")
		}
		remove()

		remove = s.Intercept(on(zktest.OpCreate, zktest.LoseReply))
		r.send(zktest.OpCreate, createOf("/lost", 0))
		r.send(zktest.OpCreate, createOf("/behind", 0))
		r.send(zktest.OpExists, str("/a"), flag(true))
		r.requireClosed()
		synctest.Wait()
		require.Equal(t, []string{"/behind", "/lost"}, s.Paths(), "the proposals are committed")
		require.Zero(t, s.Watches())
		remove()

		ended := rawLink(t, link)
		half := rawLinkDial(t, link)
		half.write(i4(0), i8(0), i4(30_000), i8(0), i4(16), make([]byte, 16))
		for path, c := range map[string]*raw{"/kept": staying, "/gone": ended} {
			c.send(zktest.OpCreate, createOf(path, 0))
			c.send(zktest.OpPing)
		}
		synctest.Wait()
		require.NoError(t, ended.c.Close())
		synctest.Wait()
		sessions := len(s.Sessions())
		old := s.Depose(link)
		time.Sleep(4 * time.Second)
		require.Equal(t, []string{"/behind", "/gone", "/kept", "/lost"}, s.Paths(), "the new leader has the proposals in its log")
		require.Len(t, s.Sessions(), sessions+1)
		staying.send(zktest.OpPing)
		staying.silentFor(time.Second, "the deposed leader does not learn of the commit")
		half.silentFor(time.Second, "the deposed leader does not learn of the session")
		old.StepDown()
	})
}
