package faults

import (
	"encoding/binary"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// TestDeposedLeaderThrottles: a throttling server answers a write with -127
// before it proposes the write. No quorum has seen the write.
func TestDeposedLeaderThrottles(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	// The server processes ten requests at a time, and throttles requests that
	// have waited for a millisecond.
	e := startForDeposition(t, ensemble.JVM("-Dzookeeper.throttled_op_wait_time=1",
		"-Dzookeeper.request_throttle_max_requests=10"))
	old := e.Leader()
	clients := make([]*wire, 20)
	for i := range clients {
		clients[i] = openWire(t, old.Addr())
	}
	depose(t, e, old)

	// All crowd the server at once. A write that is not throttled waits for a
	// quorum, and keeps one of the ten places from all later requests.
	throttled := make(chan bool, len(clients))
	var work sync.WaitGroup
	defer work.Wait()
	for _, w := range clients {
		defer w.conn.Close() // ends the reading
		work.Go(func() { throttled <- w.throttledWrite() })
	}
	timeout := time.After(patience)
	for range clients {
		select {
		case was := <-throttled:
			if was {
				return
			}
		case <-timeout:
			t.Fatal("no server throttles: the test shows nothing")
		}
	}
	t.Fatal("every client got an answer, and no write was throttled: the test shows nothing")
}

// throttledWrite sends a write after so many syncs that it is likely to be
// throttled, and reports whether it is.
func (w *wire) throttledWrite() bool {
	const crowd = 500
	var all raw
	for xid := 1; xid <= crowd; xid++ {
		all = append(all, bytesOf([]byte(bytesOf(xid, opSync, "/")))...)
	}
	all = append(all, bytesOf([]byte(bytesOf(crowd+1, opSetData, "/", []byte{}, -1)))...)
	if w.conn.SetReadDeadline(time.Time{}) != nil {
		return false
	}
	if _, err := w.conn.Write(all); err != nil {
		return false
	}
	for {
		var head [20]byte // the length, the xid, the zxid and the code
		if _, err := io.ReadFull(w.conn, head[:]); err != nil {
			return false // the test is over
		}
		if xid := int(int32(binary.BigEndian.Uint32(head[4:]))); xid == crowd+1 {
			return int(int32(binary.BigEndian.Uint32(head[16:]))) == -127
		}
		if _, err := io.CopyN(io.Discard, w.conn, int64(binary.BigEndian.Uint32(head[:]))-16); err != nil {
			return false
		}
	}
}

// TestDeposedLeaderOpensLocalSessions: with local sessions, a deposed leader
// opens a new session without a quorum, but does not answer the session's first
// write.
func TestDeposedLeaderOpensLocalSessions(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	e := startForDeposition(t, ensemble.Config("localSessionsEnabled", "true"),
		ensemble.Config("localSessionsUpgradingEnabled", "true"))
	old := e.Leader()
	depose(t, e, old)
	witness, w := openWire(t, old.Addr()), openWire(t, old.Addr())
	w.requireOutcome("0", witness, opSync, bytesOf("/"), "sync")
	w.requireOutcome(silence, witness, opCreate, bytesOf("/e", []byte{}, everybody, 1), "an ephemeral node")
	plain := openWire(t, old.Addr())
	plain.requireOutcome(silence, witness, opMulti, parts(part(opCheck, "/", -1)), "a multi")
}
