package faults

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// The result of a request without an answer: the connection stays open, or it
// ends.
const (
	silence = "silence"
	hungUp  = "hung up"
)

// witnesses is the number of another session's requests that have to be
// answered before a request counts as unanswered.
const witnesses = 20

// row is a kind of request, with the answers of a quorum and of a deposed
// leader: silence, or a code. A multi has two codes, its own and its first
// result's.
type row struct {
	name    string
	op      int
	body    raw
	quorum  string
	deposed string
}

// TestDeposedLeaderTable shows which answers prove a quorum. It sends each kind
// of request to a replaced leader, each on a session of its own, and then to
// the new leader. An answer of the deposed leader does not prove that a quorum
// exists. An answer that only the new leader gives, done or refused, proves it.
func TestDeposedLeaderTable(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	e := startForDeposition(t, ensemble.JVM("-Dzookeeper.enforceQuota=true"))
	old := e.Leader()
	owner := furnish(t, old)
	rows := append(append(readRows(), refusedRows()...), writeRows()...)
	deposed, quorum := make([]*wire, len(rows)), make([]*wire, len(rows))
	for i := range rows {
		deposed[i] = openWire(t, old.Addr())
	}
	witness := openWire(t, old.Addr())

	elected := depose(t, e, old)
	for i := range rows {
		quorum[i] = openWire(t, elected.Addr())
	}
	newWitness := openWire(t, elected.Addr())
	for i, r := range rows {
		deposed[i].requireOutcome(r.deposed, witness, r.op, r.body, r.name+", on the deposed leader")
		quorum[i].requireOutcome(r.quorum, newWitness, r.op, r.body, r.name+", with a quorum")
	}
	for i, r := range rows {
		if r.deposed == silence {
			deposed[i].requireSilence(r.name + ", at the end")
		}
	}
	require.Equal(t, "leader", old.Mode(), "the deposed leader has noticed before the end of the table")
	owner.requireOutcome("0", witness, opPing, nil, "the owner of the ephemeral node lives")
}

// startForDeposition starts an ensemble whose leader takes a minute to notice
// that it has no quorum.
func startForDeposition(t *testing.T, opts ...ensemble.Option) *ensemble.Ensemble {
	t.Helper()
	return ensemble.Start(t, 3, append(opts, ensemble.PeerProxies(), ensemble.Config("syncLimit", "240"),
		ensemble.Config("maxSessionTimeout", "120000"))...)
}

// furnish creates the nodes that the rows name, and returns the session that
// owns the ephemeral one.
func furnish(t *testing.T, s *ensemble.Server) *wire {
	t.Helper()
	owner := openWire(t, s.Addr())
	for _, req := range []struct {
		op   int
		body raw
	}{
		{opAuth, bytesOf(0, "digest", []byte("owner:secret"))},
		{opCreate, bytesOf("/open", []byte("was"), everybody, 0)},
		{opCreate, bytesOf("/closed", []byte("was"), bytesOf(1, 31, "auth", ""), 0)},
		{opCreate, bytesOf("/open/child", []byte("was"), everybody, 0)},
		{opCreateContainer, bytesOf("/container", []byte("was"), everybody, 4)},
		{opCreate, bytesOf("/ephemeral", []byte("was"), everybody, 1)},
		{opCreate, bytesOf("/quota", []byte("was"), everybody, 0)},
		{opCreate, bytesOf("/zookeeper/quota/quota", []byte{}, everybody, 0)},
		{opCreate, bytesOf("/zookeeper/quota/quota/zookeeper_limits",
			[]byte("count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=1"), everybody, 0)},
		{opCreate, bytesOf("/zookeeper/quota/quota/zookeeper_stats", []byte("count=1,bytes=3"), everybody, 0)},
	} {
		code, _ := owner.ask(req.op, req.body)
		require.Zero(t, code)
	}
	return owner
}

// depose parts a leader from both others in both directions. It restarts the
// others, so that they elect a leader at once, and returns the new leader. With
// only one direction cut, the old leader would learn of the end of the others'
// connections.
func depose(t *testing.T, e *ensemble.Ensemble, leader *ensemble.Server) *ensemble.Server {
	t.Helper()
	var others []*ensemble.Server
	for _, s := range e.Servers() {
		if s == leader {
			continue
		}
		others = append(others, s)
		e.Sever(s, leader)
		e.Sever(leader, s)
	}
	for _, s := range others {
		s.Kill() // both at once: a single one would follow the old leader again
	}
	for _, s := range others {
		s.Restart()
	}
	var elected *ensemble.Server
	ensemble.Eventually(t, patience, "the others have a leader", func() bool {
		for _, s := range others {
			if s.Mode() == "leader" {
				elected = s
			}
		}
		return elected != nil
	})
	return elected
}

// requireOutcome sends a request and requires an outcome. For silence, it then
// sends an authentication, which does not wait for the request: its answer
// shows that the server has the request. A second one, after the answers of the
// witness, shows that the request is still unanswered.
func (w *wire) requireOutcome(want string, witness *wire, op int, body raw, why string) {
	w.tb.Helper()
	xid := w.send(op, body)
	if want != silence {
		require.Equal(w.tb, want, w.outcome(op, xid, why), why)
		return
	}
	w.requireSilence(why)
	witnessed(witness)
	w.requireSilence(why)
}

// requireSilence requires that the next answer is the answer to an
// authentication.
func (w *wire) requireSilence(why string) {
	w.tb.Helper()
	xid := w.send(opAuth, bytesOf(0, "ip", []byte{}))
	require.Equal(w.tb, "0", w.outcome(opAuth, xid, why), why)
}

// witnessed waits for the answers to some requests of another session.
func witnessed(witness *wire) {
	witness.tb.Helper()
	for range witnesses {
		code, _ := witness.ask(opSync, bytesOf("/"))
		require.Zero(witness.tb, code)
	}
}

// outcome reads the next answer, which must answer the request.
func (w *wire) outcome(op, xid int, why string) string {
	w.tb.Helper()
	frame, ok := w.read(patience)
	require.True(w.tb, ok, "%s: no answer within %v", why, patience)
	if len(frame) == 0 {
		return hungUp
	}
	got, code := int(int32(binary.BigEndian.Uint32(frame))), int(int32(binary.BigEndian.Uint32(frame[12:])))
	switch {
	case got != xid:
		return fmt.Sprintf("%d, to %d", code, got)
	case op == opMulti && code == 0:
		return fmt.Sprint(code, " ", int(int32(binary.BigEndian.Uint32(frame[21:]))))
	}
	return fmt.Sprint(code)
}
