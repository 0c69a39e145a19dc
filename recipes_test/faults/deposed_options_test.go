package faults

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// TestDeposedLeaderThrottles: a throttling server answers a write with -127
// before it proposes the write. No quorum has seen the write.
func TestDeposedLeaderThrottles(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	// The server processes one request after the other, and throttles requests
	// that have waited for a millisecond.
	e := startForDeposition(t, ensemble.JVM("-Dzookeeper.throttled_op_wait_time=1",
		"-Dzookeeper.request_throttle_max_requests=1"))
	old := e.Leader()
	clients := make([]*wire, 20)
	for i := range clients {
		clients[i] = openWire(t, old.Addr())
	}
	depose(t, e, old)
	for _, w := range clients {
		if w.throttledWrite() {
			return
		}
	}
	t.Fatal("no server throttles: the test shows nothing")
}

// throttledWrite sends a write after so many syncs that it is likely to be
// throttled, and reports whether it is.
func (w *wire) throttledWrite() bool {
	w.tb.Helper()
	const crowd = 200
	var all raw
	for xid := 1; xid <= crowd; xid++ {
		all = append(all, bytesOf([]byte(bytesOf(xid, opSync, "/")))...)
	}
	all = append(all, bytesOf([]byte(bytesOf(crowd+1, opSetData, "/", []byte{}, -1)))...)
	_, err := w.conn.Write(all)
	require.NoError(w.tb, err)
	for range crowd {
		frame, _ := w.read(patience)
		require.NotEmpty(w.tb, frame)
	}
	w.send(opAuth, bytesOf(0, "ip", []byte{}))
	frame, _ := w.read(patience)
	require.NotEmpty(w.tb, frame)
	return int(int32(binary.BigEndian.Uint32(frame))) == crowd+1 && int(int32(binary.BigEndian.Uint32(frame[12:]))) == -127
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
