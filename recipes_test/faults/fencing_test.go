package faults

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// write is a holder's message to the store.
type write struct {
	pid   int
	token int64
	n     int    // its number within the hold, from the first
	node  string // the node of its hold
	log   string // the result of its guarded write to ZooKeeper, just before
}

// fencedStore refuses tokens smaller than one it has seen.
type fencedStore struct {
	tb       testing.TB
	listener net.Listener
	wg       sync.WaitGroup
	close    func() // calls end once

	mu      sync.Mutex
	conns   []net.Conn
	token   int64
	arrest  func(w write) (free <-chan struct{}) // called once, with the second write of a hold; the answer waits until free is closed
	news    chan struct{}                        // closed and replaced with every write
	pending int64                                // the token of the stopped holder; 0 once it has written again

	accepted, stale, logged, refused, unknown int
}

func newFencedStore(tb testing.TB) *fencedStore {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	s := &fencedStore{tb: tb, listener: l, news: make(chan struct{})}
	s.wg.Go(s.accept)
	s.close = sync.OnceFunc(s.end)
	tb.Cleanup(s.close)
	return s
}

func (s *fencedStore) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return // closed
		}
		s.mu.Lock()
		s.conns = append(s.conns, conn)
		s.mu.Unlock()
		s.wg.Go(func() { s.serve(conn) })
	}
}

// end closes the connections of all holders, and returns when all received
// writes have been checked.
func (s *fencedStore) end() {
	require.NoError(s.tb, s.listener.Close())
	s.mu.Lock()
	for _, conn := range s.conns {
		_ = conn.Close() // the holder may have closed it first
	}
	s.mu.Unlock()
	s.wg.Wait()
}

func (s *fencedStore) serve(conn net.Conn) {
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		var w write
		if _, err := fmt.Sscanf(lines.Text(), "%d %d %d %s %s", &w.pid, &w.token, &w.n, &w.node, &w.log); err != nil {
			s.tb.Errorf("store: %q: %v", lines.Text(), err)
			return
		}
		if strings.HasPrefix(w.log, "failed") {
			s.tb.Errorf("store: %s", lines.Text())
		}
		answer, free := s.judge(w)
		if free != nil {
			select {
			case <-free:
			case <-s.tb.Context().Done():
				return
			}
		}
		if _, err := fmt.Fprintln(conn, answer); err != nil {
			return // the holder has gone
		}
	}
}

// judge accepts or refuses a write. If free is set, the answer has to wait for
// it.
func (s *fencedStore) judge(w write) (answer string, free <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() {
		close(s.news)
		s.news = make(chan struct{})
	}()
	switch w.log {
	case "done":
		s.logged++
	case "refused":
		s.refused++
	case "unknown":
		s.unknown++
	}
	if w.token == s.pending && s.token > w.token {
		s.pending = 0
		if w.log == "done" {
			s.tb.Errorf("ZooKeeper accepted a write of token %d after the store had seen %d", w.token, s.token)
		}
	}
	if w.token < s.token {
		s.stale++
		return "stale", nil
	}
	s.token = w.token
	s.accepted++
	if w.n == 2 && s.arrest != nil && s.pending == 0 {
		s.pending = w.token
		free = s.arrest(w)
		s.arrest = nil
	}
	return "ok", free
}

// wait waits until cond holds for the store, and fails the test after the time
// limit.
func (s *fencedStore) wait(what string, cond func() bool) {
	s.tb.Helper()
	ctx := within(s.tb, patience)
	for {
		s.mu.Lock()
		ok, news := cond(), s.news
		s.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-news:
		case <-ctx.Done():
			s.tb.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// TestSoakFencing stops processes while they hold, gives their lock to another
// process, and lets them continue and write. Neither the store nor a guarded
// transaction may accept such a write. The lock changes hands in two ways.
// Either the session expires while its owner is stopped; or an operator deletes
// the node, and the session lives on.
func TestSoakFencing(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	operator := observer(t, e)
	require.NoError(t, operator.EnsureDir(t.Context(), fencedLog))
	store := newFencedStore(t)
	program, err := os.Executable()
	require.NoError(t, err)
	const processes = 3
	var holders []*ensemble.Cmd
	for range processes {
		holders = append(holders, ensemble.Exec(t, []string{holderEnv + "=" + e.ConnectString() + " " + store.listener.Addr().String()}, program))
	}
	rng := source(seed(t), "fencing")
	expired, deleted := 0, 0
	ctx, cancel := context.WithTimeout(t.Context(), duration(t, 20*time.Second))
	defer cancel()
	for ctx.Err() == nil {
		arrested := make(chan write, 1)
		free := make(chan struct{})
		store.mu.Lock()
		store.arrest = func(w write) <-chan struct{} {
			// A signal takes a moment to take effect. Without an answer the
			// process waits.
			if err := syscall.Kill(w.pid, syscall.SIGSTOP); err != nil {
				t.Errorf("SIGSTOP: %v", err)
			}
			arrested <- w
			return free
		}
		store.mu.Unlock()
		store.wait("a holder writes", func() bool { return len(arrested) > 0 })
		victim := <-arrested
		if rng.IntN(3) > 0 {
			deleted++
			if err := operator.Delete(within(t, patience), victim.node, session.AnyVersion); !errors.Is(err, session.ErrNoNode) {
				require.NoError(t, err)
			}
		} else {
			expired++
		}
		store.wait("another holder writes", func() bool { return store.token > victim.token })
		require.NoError(t, syscall.Kill(victim.pid, syscall.SIGCONT))
		close(free)
		store.wait("the stopped holder writes", func() bool { return store.pending == 0 })
	}

	for _, h := range holders {
		h.Kill()
		h.Wait(patience)
	}
	store.close()

	// The nodes in ZooKeeper are the guarded writes: in the order of writing,
	// no token follows a greater one.
	require.NoError(t, operator.Sync(within(t, patience), fencedLog))
	names, _, err := operator.Children(within(t, patience), fencedLog)
	require.NoError(t, err)
	slices.Sort(names) // by sequence number, all of ten digits
	last := int64(0)
	for _, name := range names {
		data, _, err := operator.Get(within(t, patience), path.Join(fencedLog, name))
		require.NoError(t, err)
		token, err := strconv.ParseInt(string(data), 10, 64)
		require.NoError(t, err)
		require.GreaterOrEqual(t, token, last, "%s: a stale write was accepted", name)
		last = token
	}
	store.mu.Lock()
	defer store.mu.Unlock()
	require.GreaterOrEqual(t, len(names), store.logged, "an answered write is missing")
	require.LessOrEqual(t, len(names), store.logged+store.unknown+processes, "more was written than requested") // each may not have told of its last
	require.Positive(t, store.stale)
	require.Positive(t, store.refused)
	t.Logf("%d holders stopped while they held (%d expired, %d deleted by an operator): the store took %d writes and refused %d stale ones; "+
		"ZooKeeper took %d guarded ones and refused %d, %d unknown", expired+deleted, expired, deleted,
		store.accepted, store.stale, store.logged, store.refused, store.unknown)
}
