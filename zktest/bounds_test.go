package zktest_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// The requests of a client that does not read its answers are not executed,
// once many answers wait for it. When it reads, it gets all of them.
func TestAnswersThatNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const asked, most = 100, 12
		s := zktest.New(t)
		require.NoError(t, s.Put("/large", make([]byte, 1<<20)))
		r := rawSession(t, s)
		for i := range asked {
			r.write(i4(int32(i)), i4(int32(zktest.OpGetData)), str("/large"), flag(false))
		}
		synctest.Wait()
		require.LessOrEqual(t, s.Count(zktest.OpGetData), most)
		require.Positive(t, s.Count(zktest.OpGetData))
		for i := range asked {
			got, err := r.next()
			require.NoError(t, err)
			require.Equal(t, int32(i), got.xid)
			require.Greater(t, len(got.body), 1<<20)
		}
		require.Equal(t, asked, s.Count(zktest.OpGetData))
	})
}

// A connection that ends while its output waits leaves nothing behind.
func TestEndWhileAnswersWait(t *testing.T) {
	for name, end := range map[string]func(s *zktest.Server, r *raw){
		"the client closes":   func(_ *zktest.Server, r *raw) { require.NoError(r.t, r.c.Close()) },
		"the server hangs up": func(s *zktest.Server, r *raw) { s.Disconnect(r.id) },
		"the session expires": func(s *zktest.Server, r *raw) { s.Expire(r.id) },
		"the server closes":   func(s *zktest.Server, r *raw) { require.NoError(r.t, s.Close()) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := zktest.New(t)
				require.NoError(t, s.Put("/large", make([]byte, 1<<20)))
				r := rawSession(t, s)
				for i := range 100 {
					r.write(i4(int32(i)), i4(int32(zktest.OpGetData)), str("/large"), flag(true))
				}
				synctest.Wait()
				end(s, r)
				synctest.Wait()
				require.Zero(t, s.Watches())
			})
		})
	}
}

// Events cannot wait for their watcher to read. The server closes the connection
// of a watcher that is far behind.
func TestEventsThatNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 200 // of half a megabyte each
		s := zktest.New(t)
		path := "/" + strings.Repeat("x", 1<<19)
		require.NoError(t, s.Put(path, nil))
		watcher := rawSession(t, s)
		require.Equal(t, zktest.CodeOK, watcher.ask(zktest.OpAddWatch, str(path), i4(0)).code)
		for range many {
			require.NoError(t, s.Put(path, nil))
		}
		require.Zero(t, s.Watches())
		events := 0
		for {
			_, err := watcher.next()
			if err != nil {
				require.True(t, errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF), "%v", err)
				break
			}
			events++
		}
		require.Less(t, events, many)
	})
}

// A write into a full connection waits until its deadline, or until the reader
// reads.
func TestWriteDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		r := rawSession(t, s)
		s.Freeze()
		large := make([]byte, 1<<20)
		var err error
		began := time.Now()
		for range 100 {
			require.NoError(t, r.c.SetWriteDeadline(time.Now().Add(time.Minute)))
			if _, err = r.c.Write(large); err != nil {
				break
			}
		}
		require.ErrorContains(t, err, "timeout")
		require.Equal(t, time.Minute, time.Since(began))
	})
}
