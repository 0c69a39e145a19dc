package core_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/hostile"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// An answer without its body proves nothing, whatever its code: the hold ends at
// the deadline of its last proof.
func TestFault44_MalformedAnswersProveNothing(t *testing.T) {
	for name, c := range map[string]struct {
		kind zktest.Op
		lie  func(f hostile.Frame) hostile.Reaction
	}{
		"a transaction without results": {zktest.OpMulti, func(f hostile.Frame) hostile.Reaction { return sends(cut(f, replyHead)) }},
		"a transaction without an end":  {zktest.OpMulti, func(f hostile.Frame) hostile.Reaction { return sends(cut(f, len(f.Body())-1)) }},
		"a transaction with an end alone": {zktest.OpMulti, func(f hostile.Frame) hostile.Reaction {
			return sends(framed(append(f.Body()[:replyHead:replyHead], anEnd...)))
		}},
		"a transaction with a wrong kind": {zktest.OpMulti, func(f hostile.Frame) hostile.Reaction {
			return sends(framed(append(f.Body()[:replyHead:replyHead], 0, 0, 0, 99, 0, 0, 0, 0, 0)))
		}},
		"a transaction in a frame too large": {zktest.OpMulti, func(f hostile.Frame) hostile.Reaction { return sends(be32(1<<30), f.Body()) }},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var lying atomic.Bool
				v := newVictim(w, func(f hostile.Frame) hostile.Reaction {
					if lying.Load() && f.Op == c.kind {
						return c.lie(f)
					}
					return hostile.Reaction{Bytes: f.Bytes}
				})
				h := v.hold()
				s := h.Session()
				lying.Store(true)
				proven := s.TrustedUntil()
				<-h.Done()
				require.Equal(w, proven, s.TrustedUntil())
				require.False(w, time.Now().After(proven))
				require.ErrorIs(w, h.Err(), core.ErrTrustElapsed)
			}, zktest.SASL(saslUsers))
		})
	}
}

var anEnd = bytes.Join([][]byte{be32(-1), {1}, be32(-1)}, nil)

// renamed returns the answer to a create with another path.
func renamed(f hostile.Frame, path string) []byte {
	body := f.Body()
	rest := body[replyHead+4+int(binary.BigEndian.Uint32(body[replyHead:])):]
	return framed(bytes.Join([][]byte{body[:replyHead], text(path), rest}, nil))
}

// A server that names another node in the answer to a create does not make the
// session take that node for its own: it would delete it.
func TestFault44_CreatedElsewhere(t *testing.T) {
	for _, path := range []string{
		"/app/d/old", "/d/old", "/", "/app", "/apple/locks/x", "/app/locks", "/app/locks/lock-0000000001", "/elsewhere/old", "%s-", "%sx", "%s/x", "%s0000000000000000000001x",
	} {
		t.Run(strings.ReplaceAll(path, "/", "_"), func(t *testing.T) {
			inWorld(t, func(w *world) {
				require.NoError(w, w.Srv.Put("/elsewhere/old", nil))
				lies := 0
				v := newVictim(w, func(f hostile.Frame) hostile.Reaction {
					if f.Op != zktest.OpCreate2 && f.Op != zktest.OpCreate || len(f.Body()) == replyHead || lies == 3 {
						return hostile.Reaction{Bytes: f.Bytes}
					}
					lies++
					honest := string(f.Body()[replyHead+4:][:binary.BigEndian.Uint32(f.Body()[replyHead:])])
					return sends(renamed(f, strings.ReplaceAll(path, "%s", honest)))
				})
				h := v.hold()
				if h != nil {
					_, found := w.Srv.Node("/app" + h.Path())
					require.True(w, found)
					require.NoError(w, h.Release())
				}
				made, err := v.Create(v.ctx(), "/d/new-", nil, core.Sequential)
				if err == nil {
					require.Regexp(w, `^/d/new-\d{10}$`, made)
				}
				require.NoError(w, v.Close())
				require.NotZero(w, lies)
				time.Sleep(time.Minute) // a session that was cut off ends by itself
				for _, path := range []string{"/app/d/old", "/elsewhere/old"} {
					_, found := w.Srv.Node(path)
					require.True(w, found, "%s was deleted", path)
				}
				require.Empty(w, ephemerals(w), "the session has left something behind")
			}, zktest.SASL(saslUsers))
		})
	}
}

func ephemerals(w *world) (paths []string) {
	for _, s := range w.Srv.Sessions() {
		paths = append(paths, s.Ephemerals...)
	}
	return paths
}

// A follower is told of no path outside of its own, and of no path that is not
// one. The event of a path of a million levels is processed at once.
func TestFault44_EventsThatLie(t *testing.T) {
	deep := "/app/d" + strings.Repeat("/a", 2<<20)
	inWorld(t, func(w *world) {
		var send atomic.Pointer[[]byte]
		v := newVictim(w, func(f hostile.Frame) hostile.Reaction {
			if events := send.Swap(nil); events != nil {
				return sends(*events, f.Bytes)
			}
			return hostile.Reaction{Bytes: f.Bytes}
		})
		s, err := v.Session(v.ctx())
		require.NoError(w, err)
		told := make(chan string, 100)
		_, err = s.Follow(v.ctx(), "/d", true, func(e core.Followed) {
			if e.Event != core.Resumed && e.Event != core.SessionEnded {
				told <- e.Path
			}
		})
		require.NoError(w, err)
		play := func(events ...[]byte) {
			all := bytes.Join(events, nil)
			send.Store(&all)
			_, _, _ = v.Exists(v.ctx(), "/d") // perhaps over a new connection
			synctest.Wait()
		}
		play(anEvent(1, text("/app/d/new")), anEvent(1, text("/apple/d/new")), anEvent(3, text("/d")), anEvent(2, text("/")), anEvent(2, text("/app")), anEvent(1, text(deep)))
		require.Equal(w, "/d/new", <-told)
		require.Equal(w, strings.TrimPrefix(deep, "/app"), <-told)
		for _, path := range []string{"/app/d/../e", "/app/d//e", "/app/d/", "/app/d/\x00", "/app/d/\n", "/app/d/\xff", "app/d/e", ""} {
			connects := w.Srv.Count(zktest.OpConnect)
			play(anEvent(1, text(path)))
			require.Equal(w, connects+1, w.Srv.Count(zktest.OpConnect), "%q does not end the connection", path)
		}
		require.Empty(w, told)
	}, zktest.SASL(saslUsers))
}

// Events that nothing waits for take no memory.
func TestFault44_EndlessEvents(t *testing.T) {
	inWorld(t, func(w *world) {
		var batches atomic.Int32
		many := testworld.Sized(5_000, 20_000) // of each batch
		v := newVictim(w, func(f hostile.Frame) hostile.Reaction {
			if f.Op != zktest.OpPing {
				return hostile.Reaction{Bytes: f.Bytes}
			}
			var stream []byte
			for i := range many {
				stream = append(stream, anEvent(int32(1+i%4), fmt.Appendf(be32(17), "/app/d/n%09d", int(batches.Load())*many+i))...)
			}
			batches.Add(1)
			return sends(stream, f.Bytes)
		})
		s, err := v.Session(v.ctx())
		require.NoError(w, err)
		_, _, _, err = s.GetW(v.ctx(), "/d/old")
		require.NoError(w, err)
		_, err = s.Follow(v.ctx(), "/d", true, func(core.Followed) {})
		require.NoError(w, err)
		heap := func() uint64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		before, begun := heap(), batches.Load()
		time.Sleep(10 * s.Timeout())
		require.Greater(w, batches.Load(), begun+20)
		require.Less(w, int64(heap())-int64(before), int64(2<<20), "bytes after %d events", int(batches.Load()-begun)*many)
		require.NoError(w, s.Err())
	}, zktest.SASL(saslUsers))
}
