package faults

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// soakRounds is the minimum number of leaders that
// TestFault01_DeposedLeaderSoak deposes.
const soakRounds = 40

// deposals are all ways to part a leader from its followers.
var deposals = []deposal{
	{deaf: true, mute: true, restart: true},
	{deaf: true, restart: true},
	{deaf: true, mute: true},
	{mute: true, restart: true},
	{deaf: true},
	{mute: true},
}

// TestFault01_DeposedLeader parts a leader from both followers, which elect
// another leader, while clients hold locks through the old one. The deposed
// leader keeps answering them for syncLimit ticks. Each hold's context must
// have ended when the next contender, at the new leader, begins to hold.
func TestFault01_DeposedLeader(t *testing.T) {
	deposeLeaders(t, 2, func(lane, round int) (deposal, bool) {
		return deposals[2*round+lane], round < 2
	})
}

// TestFault01_DeposedLeaderSoak is TestFault01_DeposedLeader with all ways to
// part a leader, for DOCENT_DURATION and at least 40 leaders. It needs
// DOCENT_SEEDS, which make soak sets.
func TestFault01_DeposedLeaderSoak(t *testing.T) {
	if os.Getenv("DOCENT_SEEDS") == "" {
		t.Skip("takes a quarter of an hour: make soak runs it, with DOCENT_SEEDS")
	}
	const lanes = 2
	stop := time.Now().Add(duration(t, 10*time.Minute))
	found := deposeLeaders(t, lanes, func(_, round int) (deposal, bool) {
		return deposals[round%len(deposals)], round*lanes < soakRounds || time.Now().Before(stop)
	})
	oneWay := 0
	for d, n := range found.elected {
		if d.deaf != d.mute {
			oneWay += n
		}
	}
	require.Positive(t, oneWay, "no other leader was ever elected while the old one was parted in one direction")
}

// deposeLeaders deposes leaders one after the other, in one ensemble for each
// lane at the same time, and reports the margins.
func deposeLeaders(t *testing.T, lanes int, next func(lane, round int) (deposal, bool)) *margins {
	ensemble.RequireZooKeeper(t)
	from := seed(t)
	found := &margins{all: make(map[string][]time.Duration), rounds: make(map[deposal]int), elected: make(map[deposal]int)}
	t.Run("lanes", func(t *testing.T) { // returns when all lanes have ended
		for lane := range lanes {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				// The sample configuration of ZooKeeper.
				e := ensemble.Start(t, 3, ensemble.PeerProxies(), ensemble.TickTime(2*time.Second),
					ensemble.Config("initLimit", "10"), ensemble.Config("syncLimit", "5"))
				rng := source(from, "deposed", lane)
				for round := 0; ; round++ {
					d, more := next(lane, round)
					if !more {
						return
					}
					t.Run(fmt.Sprintf("%d %v", round, d), func(t *testing.T) { d.depose(t, e, rng, found) })
				}
			})
		}
	})
	t.Logf("DOCENT_SEED=%d; from the end of a hold's context to the next hold:\n%s", from, found)
	return found
}

// deposal is a way to part a leader from its followers.
type deposal struct {
	deaf    bool // traffic from the followers does not reach the leader
	mute    bool // traffic from the leader does not reach the followers
	restart bool // the followers are killed and started again: they elect a leader at once
}

func (d deposal) String() string {
	text := map[deposal]string{
		{deaf: true, mute: true}: "parted",
		{deaf: true}:             "leader deaf",
		{mute: true}:             "leader mute",
	}[deposal{deaf: d.deaf, mute: d.mute}]
	if d.restart {
		text += ", followers restart"
	}
	return text
}

// depose parts the leader once, and adds its results to the margins.
func (d deposal) depose(t *testing.T, e *ensemble.Ensemble, rng *rand.Rand, found *margins) {
	leader := e.Leader()
	var followers []*ensemble.Server
	for _, s := range e.Servers() {
		if s != leader {
			followers = append(followers, s)
		}
	}
	rng.Shuffle(len(followers), func(i, j int) { followers[i], followers[j] = followers[j], followers[i] })
	defer e.HealPeers()

	pairs, after := holdLocks(t, e, leader, followers)
	pause(t.Context(), between(rng, 0, 4*time.Second)) // any phase of the pings and of the servers' ticks
	for _, follower := range followers {
		if d.deaf {
			e.Sever(follower, leader)
		}
		if d.mute {
			e.Sever(leader, follower)
		}
	}
	parted := time.Now()
	lost := 0
	for _, p := range pairs {
		if err := p.hold.Err(); err != nil { // possible on a busy machine; the promise still applies
			lost++
			t.Logf("%s, a session of %v: lost before the leader was parted: %v", p.way.name, p.timeout, err)
		}
	}
	require.Less(t, lost, len(pairs), "no hold is left")
	stop := after(rng)
	defer stop()
	if d.restart {
		pause(t.Context(), between(rng, 0, time.Second))
		for _, follower := range followers {
			follower.Kill()
		}
		for _, follower := range followers {
			follower.Restart()
		}
	}
	found.round(d, d.awaitContenders(t, pairs))
	stop()
	e.HealPeers()
	require.NoError(t, e.WaitQuorum(within(t, patience)))
	for _, p := range pairs {
		p.judge(t, d, parted, found)
	}
}

// oneWay is how long the followers may take to elect another leader while votes
// arrive in one direction alone, which can prevent the election. They elect
// within seconds, or not at all.
const oneWay = 30 * time.Second

// awaitContenders waits until the locks of all doomed sessions have changed
// hands, and reports whether they have. Without a new leader, the locks change
// hands once the servers are connected again.
func (d deposal) awaitContenders(t *testing.T, pairs []*rivals) bool {
	patience := patience
	if d.deaf != d.mute {
		patience = oneWay
	}
	ctx := within(t, patience)
	for _, p := range pairs {
		if !p.way.doomed || p.changed(ctx) {
			continue
		}
		if d.deaf && d.mute {
			t.Fatalf("%s, a session of %v: the contender does not get the lock within %v", p.way.name, p.timeout, patience)
		}
		return false
	}
	return true
}

// margins are the times between the end of a hold and the next hold, by kind of
// test. A negative margin means two holders.
type margins struct {
	mu    sync.Mutex
	names []string
	all   map[string][]time.Duration

	rounds, elected map[deposal]int // number of rounds, and of rounds with a new leader
}

func (m *margins) round(d deposal, elected bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rounds[d]++
	if elected {
		m.elected[d]++
	}
}

func (m *margins) add(name string, margin time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all[name] == nil {
		m.names = append(m.names, name)
	}
	m.all[name] = append(m.all[name], margin)
}

// String lists for each kind of test its number, its minimum, mean and maximum
// margin. It also counts the rounds in which the followers elected another
// leader.
func (m *margins) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var text strings.Builder
	for _, name := range m.names {
		all := m.all[name]
		least, most, sum := all[0], all[0], time.Duration(0)
		for _, margin := range all {
			least, most, sum = min(least, margin), max(most, margin), sum+margin
		}
		fmt.Fprintf(&text, "%-75s %3d times %8.3fs least %8.3fs mean %8.3fs most\n",
			name, len(all), least.Seconds(), (sum / time.Duration(len(all))).Seconds(), most.Seconds())
	}
	for d, n := range m.rounds {
		fmt.Fprintf(&text, "%v: another leader in %d of %d rounds\n", d, m.elected[d], n)
	}
	return text.String()
}
