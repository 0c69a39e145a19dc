package zktest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

func TestExpiryIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		var gone time.Time
		s.OnChange(func(ch zktest.Change) {
			if ch.Kind == zktest.Deleted {
				gone = ch.Time
			}
		})
		r := rawSession(t, s)
		require.Equal(t, zktest.CodeOK, r.ask(zktest.OpCreate, str("/e"), i4(-1), anyone, i4(1)).code)
		time.Sleep(9 * time.Second)
		r.ask(zktest.OpPing)
		heard := time.Now()
		time.Sleep(9 * time.Second)
		require.Equal(t, []string{"/e"}, s.Paths())
		require.Equal(t, heard.Add(10*time.Second), s.Sessions()[0].ExpiresAt)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Equal(t, heard.Add(10*time.Second), gone)
		require.Empty(t, s.Sessions())
		r.requireClosed()
	})
}

func TestSessionOutlivesItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		c := connect(t, s.Dial, 10*time.Second)
		c.create(t, "/e", "", zk.FlagEphemeral)
		id := c.SessionID()
		for range 5 {
			s.Disconnect(id)
			time.Sleep(3 * time.Second)
			require.Equal(t, zk.StateHasSession, c.State())
		}
		require.Equal(t, id, c.SessionID())
		require.Equal(t, []string{"/e"}, s.Paths())
		time.Sleep(time.Hour)
		require.True(t, s.Sessions()[0].Connected)
		c.Close()
		synctest.Wait()
		require.Empty(t, s.Paths())
		require.Empty(t, s.Sessions())
	})
}

func TestHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		none := make([]byte, 16)

		r := rawDial(t, s)
		require.NoError(t, r.handshake(0, 0, 1, none, false))
		require.EqualValues(t, 4000, r.ms, "two ticks at least")
		first := r.id
		r = rawDial(t, s)
		require.NoError(t, r.handshake(0, 0, 1<<30, none, true))
		require.EqualValues(t, 40000, r.ms, "twenty ticks at most")
		require.Equal(t, first+1, r.id)

		again := rawDial(t, s)
		require.NoError(t, again.handshake(0, r.id, 8000, r.pass, true))
		require.Equal(t, r.id, again.id)
		require.EqualValues(t, 8000, again.ms)
		r.requireClosed() // a client has one connection

		bad := rawDial(t, s)
		require.NoError(t, bad.handshake(0, again.id, 8000, none, true))
		require.Zero(t, bad.id)
		require.Zero(t, bad.ms)
		bad.requireClosed()
		again.requireClosed() // even a hello with a wrong password ends the old connection
		require.Len(t, s.Sessions(), 2)

		unknown := rawDial(t, s)
		require.NoError(t, unknown.handshake(0, 42, 8000, none, true))
		require.Zero(t, unknown.id)
		unknown.requireClosed()

		future := rawDial(t, s)
		require.Error(t, future.handshake(1<<40, 0, 8000, none, true))
		broken := rawDial(t, s)
		broken.write(i4(1))
		broken.requireClosed()
		require.Equal(t, 7, s.Count(zktest.OpConnect))
	})
}

func TestSessionTimeoutOptions(t *testing.T) {
	for _, c := range []struct {
		name string
		opts []zktest.Option
		ask  int32
		want int32
	}{
		{"tick", []zktest.Option{zktest.Tick(100 * time.Millisecond)}, 1, 200},
		{"maximum of the tick", []zktest.Option{zktest.Tick(100 * time.Millisecond)}, 99999, 2000},
		{"both given", []zktest.Option{zktest.SessionTimeouts(time.Second, time.Minute)}, 50000, 50000},
		{"minimum given", []zktest.Option{zktest.SessionTimeouts(time.Second, 0)}, 99999, 40000},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rawDial(t, zktest.New(t, c.opts...))
			require.NoError(t, r.handshake(0, 0, c.ask, make([]byte, 16), true))
			require.Equal(t, c.want, r.ms)
		})
	}
	for _, o := range []zktest.Option{
		zktest.Tick(-1), zktest.SessionTimeouts(time.Hour, time.Second), zktest.ContainerInterval(0), zktest.MaxFrame(0),
	} {
		_, err := zktest.Start(o)
		require.Error(t, err)
	}
}

func TestExpireFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		c := connect(t, s.Dial, 10*time.Second)
		c.create(t, "/a", "", 0)
		c.create(t, "/a/e1", "", zk.FlagEphemeral)
		c.create(t, "/a/e2", "", zk.FlagEphemeral)
		var zxids []int64
		s.OnChange(func(ch zktest.Change) { zxids = append(zxids, ch.Zxid) })
		old := c.SessionID()
		s.Expire(old)
		s.Expire(4711) // no such session
		require.Equal(t, []string{"/a"}, s.Paths())
		require.Len(t, zxids, 2)
		require.Equal(t, zxids[0], zxids[1], "one transaction ends a session")
		time.Sleep(5 * time.Second)
		require.True(t, c.saw(zk.StateExpired))
		require.NotEqual(t, old, c.SessionID(), "the client opens another")
	})
}

func TestCloseEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := zktest.Start()
		require.NoError(t, err)
		r := rawSession(t, s)
		stuck := rawSession(t, s)
		s.Partition(stuck.id, zktest.Both)
		hold := make(chan struct{})
		s.Intercept(func(zktest.Request) zktest.Action { return zktest.Hold(hold) })
		r.write(i4(1), i4(int32(zktest.OpSync)), str("/"))
		synctest.Wait()
		s.Freeze()
		require.NoError(t, s.Close())
		require.NoError(t, s.Close())
		r.requireClosed()
		_, err = s.Dial("tcp", "any", 0)
		require.ErrorContains(t, err, "closed")
		_, err = s.Listen("127.0.0.1:0")
		require.Error(t, err)
	})
}
