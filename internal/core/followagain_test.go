package core_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// Each new connection sets all watches again, in requests that the server
// accepts. Each follower gets Resumed, and its reads afterwards show the newest
// state.
func TestFollowThroughReconnections(t *testing.T) {
	inWorld(t, func(w *world) {
		const n = 3000
		require.NoError(w, w.Srv.Put("/t", nil))
		p := w.process(func(cfg *core.Config) { cfg.MaxRequest = 4096 })
		s := p.session()
		path := func(i int) string { return fmt.Sprintf("/t/%050d", i) }
		var lists [n]*told
		for i := range n {
			_, lists[i] = w.follow(s, path(i), i%2 == 0)
		}
		for round := range 2 {
			var once [n]*core.Watch
			for i := range n {
				var err error
				_, _, once[i], err = s.ExistsW(w.Context(), path((round+1)*n+i))
				require.NoError(w, err)
			}
			p.link.Refuse(true)
			p.link.Disconnect()
			time.Sleep(time.Second)
			require.NoError(w, w.Srv.Put("/t", []byte{byte(round)}))
			read := make(chan []byte, 1)
			_, err := s.Follow(w.Context(), path(0), true, func(e core.Followed) {
				if e.Event == core.Resumed {
					go func() {
						data, _, err := s.Get(w.Context(), "/t")
						if err != nil {
							w.Error(err)
						}
						read <- data
					}()
				}
			})
			require.NoError(w, err)
			p.link.Refuse(false)
			select {
			case data := <-read:
				require.Equal(w, []byte{byte(round)}, data)
			case <-time.After(time.Minute):
				require.Fail(w, "nobody is told to read again")
			}
			for i := range n {
				require.Equal(w, []core.Followed{{Event: core.Resumed}}, lists[i].take())
				require.NoError(w, w.Srv.Put(path(i), []byte{byte(round)}))
				require.NoError(w, w.Srv.Put(path((round+1)*n+i), nil))
			}
			synctest.Wait()
			for i := range n {
				told := lists[i].take()
				require.Len(w, told, 1)
				require.Equal(w, path(i), told[0].Path)
				require.Equal(w, core.NodeCreated, once[i].Event())
			}
		}
		require.NoError(w, s.Err())
	}, zktest.MaxFrame(4096))
}

// A follower that stops while the session reconnects leaves no watch on the new
// connection.
func TestFollowStoppedWhileReconnecting(t *testing.T) {
	for delay := time.Duration(0); delay <= 60*time.Millisecond; delay += 5 * time.Millisecond {
		inWorld(t, func(w *world) {
			p := w.process()
			s := p.session()
			f, _ := w.follow(s, "/a", true)
			p.link.Delay(10 * time.Millisecond)
			p.link.Disconnect()
			time.Sleep(delay)
			f.Stop()
			w.eventually("the session is back", func() bool { return p.State() == core.Connected })
			require.NoError(w, s.Sync(w.Context(), "/"))
			time.Sleep(time.Second)
			require.Zero(w, w.Srv.Watches(), "stopped after %v", delay)
		})
	}
}

// An earlier one-shot watch is not removed without the persistent watch: a
// server before 3.9 would remove the persistent one instead.
func TestFollowOutlivesTheWatchBeforeIt(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/a", nil))
		s := w.process().session()
		_, _, data, err := s.GetW(w.Context(), "/a")
		require.NoError(w, err)
		_, _, children, err := s.ChildrenW(w.Context(), "/a")
		require.NoError(w, err)
		_, l := w.follow(s, "/a", false)
		data.Stop()
		children.Stop()
		time.Sleep(10 * time.Second)
		for i := range 3 {
			require.NoError(w, w.Srv.Put("/a", []byte{byte(i)}))
			require.NoError(w, w.Srv.Put(fmt.Sprintf("/a/%d", i), nil))
			synctest.Wait()
			require.Len(w, l.take(), 2)
		}
	})
}

// A read with a watch that was queued before the persistent watch, and is sent
// after it, does not replace it.
func TestFollowAndReadsThatWaitForAConnection(t *testing.T) {
	for range 20 {
		inWorld(t, func(w *world) {
			require.NoError(w, w.Srv.Put("/a/b", nil))
			p := w.process()
			s := p.session()
			p.link.Refuse(true)
			p.link.Disconnect()
			synctest.Wait()
			done := make(chan error, 3)
			go func() { _, _, _, err := s.GetW(w.Context(), "/a"); done <- err }()
			go func() { _, _, _, err := s.ChildrenW(w.Context(), "/a"); done <- err }()
			synctest.Wait()
			l := new(told)
			go func() { _, err := s.Follow(w.Context(), "/a", true, l.f); done <- err }()
			synctest.Wait()
			p.link.Refuse(false)
			for range 3 {
				require.NoError(w, <-done)
			}
			for i := range 3 {
				require.NoError(w, w.Srv.Put("/a", []byte{byte(i)}))
				require.NoError(w, w.Srv.Put("/a/b", []byte{byte(i)}))
				synctest.Wait()
				require.Len(w, l.take(), 2)
			}
		})
	}
}

// The session's look at a missing node leaves no one-shot watch instead of the
// persistent one.
func TestFollowAndLooks(t *testing.T) {
	inWorld(t, func(w *world) {
		s := w.process().session()
		_, l := w.follow(s, "/a", true)
		_, found, watch, err := s.ExistsW(w.Context(), "/a")
		require.NoError(w, err)
		require.False(w, found)
		time.Sleep(time.Minute)
		for i := range 3 {
			require.NoError(w, w.Srv.Put("/a", []byte{byte(i)}))
			require.NoError(w, w.Srv.Put(fmt.Sprintf("/a/%d", i), nil))
			synctest.Wait()
			require.Len(w, l.take(), 2)
		}
		require.Equal(w, core.NodeCreated, watch.Event())
	})
}
