package faults

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// What a table says of a request that gets no answer: the connection stays
// open, or it ends.
const (
	silence = "silence"
	hungUp  = "hung up"
)

// witnesses is how many requests of another session are answered before a
// request counts as unanswered.
const witnesses = 20

// row is a kind of request, with the answers of a quorum and of a deposed
// leader: silence, or a code. A multi has two, its own and its first result's.
type row struct {
	name    string
	op      int
	body    raw
	quorum  string
	deposed string
}

// TestDeposedLeaderTable is the proof of what proves. A leader that has been
// replaced is sent each kind of request, each on a session of its own, and then
// the new leader is. What the deposed leader answers does not show that a
// quorum exists. What only the new leader answers, done or refused, shows it.
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
	require.Equal(t, "leader", old.Mode(), "it has noticed before the table was over")
	owner.requireOutcome("0", witness, opPing, nil, "the owner of the ephemeral node lives")
}

// startForDeposition starts an ensemble whose leader takes a minute to notice
// that it has no quorum.
func startForDeposition(t *testing.T, opts ...ensemble.Option) *ensemble.Ensemble {
	t.Helper()
	return ensemble.Start(t, 3, append(opts, ensemble.PeerProxies(), ensemble.Config("syncLimit", "240"),
		ensemble.Config("maxSessionTimeout", "120000"))...)
}

// furnish creates the nodes that the rows name, and returns the session that owns
// the ephemeral one.
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

// depose parts a leader from both others in both directions, and starts the
// others again, so that they elect another at once. It returns that one. In one
// direction alone a leader would learn of the end of the others' connections.
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
		s.Kill() // both at once: one alone would follow the old leader again
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

// requireOutcome sends a request and requires an outcome. Where that is
// silence, an authentication, which does not wait behind the request, shows
// that the server has it. A second one, after the answers of the witness, shows
// that the server has sent no answer until then.
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

// requireSilence requires that the next answer is that to an authentication.
func (w *wire) requireSilence(why string) {
	w.tb.Helper()
	xid := w.send(opAuth, bytesOf(0, "ip", []byte{}))
	require.Equal(w.tb, "0", w.outcome(opAuth, xid, why), why)
}

// witnessed has some requests of another session answered.
func witnessed(witness *wire) {
	witness.tb.Helper()
	for range witnesses {
		code, _ := witness.ask(opSync, bytesOf("/"))
		require.Zero(witness.tb, code)
	}
}

// outcome reads the answer to a request, which comes next.
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
