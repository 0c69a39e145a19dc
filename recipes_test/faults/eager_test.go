package faults

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// eager makes servers check the right to a change before they ask the leader.
const eager = "-Dzookeeper.enableEagerACLCheck=true"

// TestDeposedLeaderEager: with enableEagerACLCheck a deposed leader refuses
// changes without a quorum. So these refusals prove nothing. It refuses no
// transaction this way.
func TestDeposedLeaderEager(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	e := startForDeposition(t, ensemble.JVM(eager))
	old := e.Leader()
	furnish(t, old)
	rows := []row{
		{"create: no right", opCreate, bytesOf("/closed/x", []byte{}, everybody, 0), "", "-102"},
		{"create2: no right", opCreate2, bytesOf("/closed/x", []byte{}, everybody, 0), "", "-102"},
		{"create: unknown scheme in the list", opCreate, bytesOf("/x", []byte{}, bytesOf(1, 31, "nothing", "x"), 0), "", "-114"},
		{"setData: no right", opSetData, bytesOf("/closed", []byte{}, -1), "", "-102"},
		{"setACL: no right", opSetACL, bytesOf("/closed", everybody, -1), "", "-102"},
		{"setData: no node", opSetData, bytesOf("/none", []byte{}, -1), "", silence},
		{"setData: version", opSetData, bytesOf("/open", []byte{}, 77), "", silence},
		{"multi of one check: no right", opMulti, parts(part(opCheck, "/closed", -1)), "", silence},
	}
	witness := openWire(t, old.Addr())
	deposed := make([]*wire, len(rows))
	for i := range rows {
		deposed[i] = openWire(t, old.Addr())
	}
	depose(t, e, old)
	for i, r := range rows {
		deposed[i].requireOutcome(r.deposed, witness, r.op, r.body, r.name)
	}
	require.Equal(t, "leader", old.Mode(), "the deposed leader has noticed before the end of the table")
}

// TestEagerRefusals: a server with enableEagerACLCheck refuses a change before
// it answers earlier ones. The earlier requests are still answered.
func TestEagerRefusals(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3, ensemble.JVM(eager))
	furnish(t, e.Leader())
	sm, err := session.Dial(t.Context(), session.Config{Servers: []string{e.Followers()[0].Addr()}, Timeout: lasting})
	require.NoError(t, err)
	defer sm.Close()
	s, err := bridge.Core(sm).Session(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.Sync(t.Context(), "/"))
	outcomes := make(chan error, 400)
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() {
			for range 50 {
				_, err := s.Set(t.Context(), "/open", nil, session.AnyVersion)
				outcomes <- err
			}
		})
		work.Go(func() {
			for range 50 {
				_, err := s.Set(t.Context(), "/closed", nil, session.AnyVersion)
				outcomes <- err
			}
		})
	}
	work.Wait()
	close(outcomes)
	done := 0
	for err := range outcomes {
		if err == nil {
			done++
			continue
		}
		require.ErrorIs(t, err, session.ErrNoAuth)
	}
	require.Equal(t, 200, done)
}
