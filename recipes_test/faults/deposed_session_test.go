package faults

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// TestDeposedLeaderAndSessions: a deposed leader re-attaches the sessions that
// it knows, and opens no new ones. A session with an uncommitted write waits as
// a whole. A deposed leader may also answer that a session has expired,
// although no quorum has committed the expiry.
func TestDeposedLeaderAndSessions(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	e := startForDeposition(t)
	old := e.Leader()
	furnish(t, old)
	open := func() *wire { return openWire(t, old.Addr()) }
	witness, known, busy, closing := open(), open(), open(), open()
	moved := []*wire{open(), open(), open(), open(), open(), open()}
	follower := openWire(t, e.Followers()[0].Addr())
	short := dialWire(t, old.Addr())
	short.write(bytesOf(0, int64(0), 4_000, int64(0), make([]byte, 16), false))
	require.True(t, short.greeted(patience))
	for _, w := range moved {
		elsewhere := dialWire(t, e.Followers()[0].Addr())
		elsewhere.hello(w.session, w.password)
		require.True(t, elsewhere.greeted(patience))
	}
	short.requireOutcome("0", witness, opPing, nil, "still alive")

	elected := depose(t, e, old)

	again := func(w *wire) *wire {
		t.Helper()
		back := dialWire(t, old.Addr())
		back.hello(w.session, w.password)
		require.True(t, back.greeted(patience))
		return back
	}
	for name, w := range map[string]*wire{"a session of its own": known, "a session of a follower": follower} {
		back := again(w)
		require.Equal(t, w.session, back.session, name)
		back.requireOutcome("0", witness, opPing, nil, name)
		back.requireOutcome("0", witness, opSync, bytesOf("/"), name)
	}
	stranger := dialWire(t, old.Addr())
	stranger.hello(known.session, make([]byte, 16))
	require.True(t, stranger.greeted(patience))
	require.Zero(t, stranger.session, "the password is wrong")
	fresh := dialWire(t, old.Addr())
	fresh.hello(0, make([]byte, 16))

	busy.requireOutcome(silence, witness, opCreate, bytesOf("/lost", []byte{}, everybody, 0), "create")
	for _, op := range []int{opPing, opSync} {
		busy.requireOutcome(silence, witness, op, bytesOf("/"), fmt.Sprintf("request %d behind it", op))
	}
	back := again(busy)
	require.Equal(t, busy.session, back.session)
	back.requireOutcome(silence, witness, opPing, nil, "ping on the next connection of the session")

	closing.requireOutcome(silence, witness, opCloseSession, nil, "closeSession")
	require.Zero(t, again(closing).session, "the session is closing: it is refused as if it had expired")

	// A session has moved to a follower. A request on its old connection ends
	// that connection; a write is proposed before that.
	for i, r := range []row{
		{"ping", opPing, nil, "", hungUp},
		{"getData", opGetData, bytesOf("/open", false), "", hungUp},
		{"sync", opSync, bytesOf("/"), "", hungUp},
		{"setData", opSetData, bytesOf("/open", []byte{}, -1), "", silence},
		{"multi", opMulti, parts(part(opCheck, "/open", -1)), "", silence},
		{"closeSession", opCloseSession, nil, "", silence},
	} {
		moved[i].requireOutcome(r.deposed, witness, r.op, r.body, r.name+" of a session that has moved")
	}

	ensemble.Eventually(t, patience, "the deposed leader expires a session on its own", func() bool {
		dump, err := old.Word("dump")
		return err == nil && !strings.Contains(dump, fmt.Sprintf("0x%x", short.session))
	})
	frame, _ := short.read(patience)
	require.Empty(t, frame, "the deposed leader closes the connection of a session that it has expired")
	require.Zero(t, again(short).session, "the deposed leader has expired the session")

	_, answered := fresh.read(glance)
	require.False(t, answered, "a new session needs a quorum")
	require.Equal(t, "leader", old.Mode(), "the deposed leader has noticed before the end")

	e.HealPeers()
	require.NoError(t, e.WaitQuorum(within(t, patience)))
	for _, s := range []*ensemble.Server{elected, old} {
		w := openWire(t, s.Addr())
		w.requireOutcome("0", w, opSync, bytesOf("/"), "sync")
		w.requireOutcome("-101", w, opExists, bytesOf("/lost", false), "unanswered requests are lost")
	}
}
