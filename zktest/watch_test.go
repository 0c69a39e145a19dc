package zktest_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

func TestOneShotWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		c := connect(t, s.Dial, 10*time.Second)
		other := connect(t, s.Dial, 10*time.Second)
		_, _, made, err := c.ExistsW("/a")
		require.NoError(t, err)
		require.Equal(t, 1, s.Watches())
		other.create(t, "/a", "", 0)
		require.Equal(t, zk.EventNodeCreated, (<-made).Type)
		require.Zero(t, s.Watches())

		_, _, changed, err := c.GetW("/a")
		require.NoError(t, err)
		_, _, children, err := c.ChildrenW("/a")
		require.NoError(t, err)
		require.Equal(t, 2, s.WatchesOf("/a"))
		require.Equal(t, 2, s.SessionWatches(c.SessionID()))
		require.Zero(t, s.SessionWatches(other.SessionID()))
		other.create(t, "/a/x", "", 0)
		require.Equal(t, zk.EventNodeChildrenChanged, (<-children).Type)
		_, err = other.Set("/a", nil, -1)
		require.NoError(t, err)
		require.Equal(t, zk.EventNodeDataChanged, (<-changed).Type)

		_, _, gone, err := c.GetW("/a/x")
		require.NoError(t, err)
		require.NoError(t, other.Delete("/a/x", -1))
		require.Equal(t, zk.EventNodeDeleted, (<-gone).Type)
	})
}

func TestWatchesAreSetAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		link := s.Link()
		c := connect(t, link.Dial, 30*time.Second)
		other := connect(t, s.Dial, 10*time.Second)
		for _, p := range []string{"/same", "/set", "/del", "/kids"} {
			other.create(t, p, "", 0)
		}
		watch := func(p string) <-chan zk.Event {
			_, _, ch, err := c.GetW(p)
			require.NoError(t, err)
			return ch
		}
		same, set, del := watch("/same"), watch("/set"), watch("/del")
		_, _, kids, err := c.ChildrenW("/kids")
		require.NoError(t, err)
		_, _, born, err := c.ExistsW("/born")
		require.NoError(t, err)

		link.Refuse(true)
		link.Disconnect()
		synctest.Wait()
		require.Zero(t, s.Watches(), "watches end with the connection")
		_, err = other.Set("/set", nil, -1)
		require.NoError(t, err)
		require.NoError(t, other.Delete("/del", -1))
		other.create(t, "/kids/x", "", 0)
		other.create(t, "/born", "", 0)
		link.Refuse(false)
		time.Sleep(5 * time.Second)
		require.Equal(t, zk.EventNodeDataChanged, (<-set).Type)
		require.Equal(t, zk.EventNodeDeleted, (<-del).Type)
		require.Equal(t, zk.EventNodeChildrenChanged, (<-kids).Type)
		require.Equal(t, zk.EventNodeCreated, (<-born).Type)
		require.Empty(t, same)
		require.Equal(t, 1, s.Watches())
		_, err = other.Set("/same", nil, -1)
		require.NoError(t, err)
		require.Equal(t, zk.EventNodeDataChanged, (<-same).Type)
	})
}

// event reads the next frame, which must be a watch event.
func (r *raw) event() string {
	r.t.Helper()
	got, err := r.next()
	require.NoError(r.t, err)
	require.EqualValues(r.t, -1, got.xid)
	require.True(r.t, got.zxid == -1 || got.zxid > 0)
	require.EqualValues(r.t, 3, binary.BigEndian.Uint32(got.body[4:]))
	return fmt.Sprintf("%d %s", binary.BigEndian.Uint32(got.body), got.body[12:])
}

func TestPersistentWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		require.NoError(t, s.Put("/a/b", nil))
		p, rec := rawSession(t, s), rawSession(t, s)
		require.Equal(t, zktest.CodeOK, p.ask(zktest.OpAddWatch, str("/a"), i4(0)).code)
		require.Equal(t, zktest.CodeOK, rec.ask(zktest.OpAddWatch, str("/a"), i4(1)).code)
		require.Equal(t, zktest.CodeMarshallingError, rec.ask(zktest.OpAddWatch, str("/a"), i4(2)).code)
		require.Equal(t, 4, s.Watches())
		require.NoError(t, s.Put("/a/b", []byte("1")))
		require.NoError(t, s.Put("/a/c", nil))
		require.NoError(t, s.Put("/a", []byte("2")))
		require.NoError(t, s.Remove("/a/c"))
		for _, want := range []string{"4 /a", "3 /a", "4 /a"} {
			require.Equal(t, want, p.event())
		}
		for _, want := range []string{"3 /a/b", "1 /a/c", "3 /a", "2 /a/c"} {
			require.Equal(t, want, rec.event())
		}
		require.Equal(t, zktest.CodeOK, rec.ask(zktest.OpCheckWatches, str("/a"), i4(3)).code)
		require.Equal(t, zktest.CodeOK, rec.ask(zktest.OpRemoveWatches, str("/a"), i4(3)).code)
		require.Equal(t, zktest.CodeNoWatcher, rec.ask(zktest.OpRemoveWatches, str("/a"), i4(3)).code)
		require.Equal(t, zktest.CodeNoWatcher, rec.ask(zktest.OpCheckWatches, str("/a/b"), i4(1)).code)
		require.Equal(t, zktest.CodeMarshallingError, rec.ask(zktest.OpCheckWatches, str("/a/b"), i4(9)).code)
		require.Equal(t, 2, s.Watches())

		rec.write(i4(-8), i4(int32(zktest.OpSetWatches2)), i8(0),
			join(i4(1), str("/gone")), i4(0), i4(0), join(i4(1), str("/p")), join(i4(1), str("/r")))
		require.Equal(t, "2 /gone", rec.event())
		require.NoError(t, s.Put("/r/x", nil))
		got, err := rec.next()
		require.NoError(t, err)
		require.EqualValues(t, -8, got.xid)
		require.Equal(t, "1 /r", rec.event())
		require.Equal(t, "1 /r/x", rec.event())
	})
}

func TestEventComesBeforeTheReplyThatShowsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		require.NoError(t, s.Put("/a", []byte("0")))
		r := rawSession(t, s)
		r.ask(zktest.OpGetData, str("/a"), flag(true))
		require.NoError(t, s.Put("/a", []byte("1")))
		r.write(i4(9), i4(int32(zktest.OpGetData)), str("/a"), flag(false))
		require.Equal(t, "3 /a", r.event())
		got, err := r.next()
		require.NoError(t, err)
		require.EqualValues(t, 9, got.xid)
		require.Equal(t, str("1"), got.body[:5])
	})
}

func TestEventsNeedReadPermission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		owner, eve := connect(t, s.Dial, 10*time.Second), connect(t, s.Dial, 10*time.Second)
		synctest.Wait() // a new client sets its watches once more, a little later, and gets events for existing znodes
		_, _, ch, err := eve.ExistsW("/x")
		require.NoError(t, err)
		require.NoError(t, owner.AddAuth("digest", []byte("o:o")))
		_, err = owner.Create("/x", nil, 0, zk.AuthACL(zk.PermAll))
		require.NoError(t, err)
		synctest.Wait()
		require.Empty(t, ch)
		require.Zero(t, s.Watches(), "the watch is used up nevertheless")
	})
}
