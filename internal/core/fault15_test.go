package core_test

import (
	"bytes"
	"io"
	"net"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

const (
	maxSessionHeap       = 64 << 10
	maxSessionGoroutines = 5
)

// footprint is the memory and the goroutines of the idle process.
type footprint struct{ heap, goroutines int64 }

func restingFootprint() footprint {
	synctest.Wait()
	// Twice: pools release their contents only in the second collection, and so
	// do cleanups that the first has found.
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return footprint{int64(m.HeapAlloc), int64(runtime.NumGoroutine())}
}

// A session costs little. The test subtracts the cost of the in-process
// server's side of each connection.
func TestFault15_SessionsAreLean(t *testing.T) {
	for name, use := range map[string]func(w *world, p *process){
		"idle": func(*world, *process) {},
		"after requests": func(w *world, p *process) {
			for range 20 {
				require.NoError(w, second(p.Set(w.Context(), "/small", []byte("x"), core.AnyVersion)))
				require.NoError(w, third(p.Get(w.Context(), "/small")))
				require.NoError(w, third(p.Children(w.Context(), "/")))
			}
		},
		"after a large answer": func(w *world, p *process) { require.NoError(w, third(p.Get(w.Context(), "/large"))) },
		"after a large request": func(w *world, p *process) {
			require.NoError(w, second(p.Set(w.Context(), "/small", make([]byte, 500<<10), core.AnyVersion)))
			require.NoError(w, second(p.Set(w.Context(), "/small", nil, core.AnyVersion)))
		},
		"after a reconnection": func(w *world, p *process) {
			p.link.Disconnect()
			require.NoError(w, p.Sync(w.Context(), "/"))
		},
		"with watches and a hold": func(w *world, p *process) {
			p.enter("/locks")
			_, _, _, err := p.session().GetW(w.Context(), "/small")
			require.NoError(w, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				const n = 50
				require.NoError(w, w.Srv.Put("/large", make([]byte, 500<<10)))
				require.NoError(w, w.Srv.Put("/small", nil))
				require.NoError(w, w.Srv.Put("/locks", nil))
				dial := func() {
					use(w, w.process())
					time.Sleep(15 * time.Second) // pings pass: the network in memory forgets what it has carried
				}
				dial() // what is made once for all sessions is there before

				before := restingFootprint()
				conns := make([]net.Conn, n)
				for i := range conns {
					conns[i] = w.bareConnection()
				}
				server := restingFootprint().minus(before)
				for _, conn := range conns {
					require.NoError(w, conn.Close())
				}
				clear(conns)
				time.Sleep(time.Hour) // their sessions expire

				before = restingFootprint()
				for range n {
					dial()
				}
				w.ForgetChanges()
				sessions := restingFootprint().minus(before)
				own := sessions.minus(server)
				t.Logf("a session: %d KiB, %.2f goroutines; the server for each: %d KiB, %.2f goroutines",
					own.heap/n>>10, float64(own.goroutines)/n, server.heap/n>>10, float64(server.goroutines)/n)
				require.Positive(w, own.heap)
				require.LessOrEqual(w, own.heap/n, int64(maxSessionHeap), "bytes of a session")
				require.LessOrEqual(w, own.goroutines, int64(n*maxSessionGoroutines), "goroutines of %d sessions", n)
			})
		})
	}
}

func (f footprint) minus(g footprint) footprint {
	return footprint{f.heap - g.heap, f.goroutines - g.goroutines}
}

// bareConnection opens a session on a raw connection, without the library.
func (w *world) bareConnection() net.Conn {
	w.Helper()
	conn, err := w.Srv.Link().DialContext(w.Context(), "tcp", "zk1:2181")
	require.NoError(w, err)
	w.Cleanup(func() { _ = conn.Close() }) // which the test has done
	hello := bytes.Join([][]byte{be32(44), be32(0), make([]byte, 8), be32(30_000), make([]byte, 8), be32(16), make([]byte, 16)}, nil)
	_, err = conn.Write(hello)
	require.NoError(w, err)
	_, err = io.ReadFull(conn, make([]byte, 40))
	require.NoError(w, err)
	require.NotZero(w, w.Srv.Count(zktest.OpConnect))
	return conn
}
