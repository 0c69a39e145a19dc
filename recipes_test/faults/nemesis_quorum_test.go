package faults

import (
	"math/rand/v2"
	"regexp"
	"strconv"
	"time"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// quorumFaults are faults in which a leader does not know that another leads, or
// in which the quorum commits late.
var quorumFaults = []fault{
	{"deposed leader", func(n *nemesis, rng *rand.Rand, last func()) {
		leader, followers := n.cast(rng)
		n.depose(leader, followers, last)
	}},
	{"leader that wakes up deposed", func(n *nemesis, rng *rand.Rand, last func()) {
		leader, followers := n.cast(rng)
		n.stop(func() {
			n.replaced(followers)
			last()
		}, leader)
	}},
	{"slow quorum", func(n *nemesis, rng *rand.Rand, last func()) {
		d := between(rng, 200*time.Millisecond, 900*time.Millisecond)
		n.note("%v between the servers", d)
		n.e.DelayPeers(d)
		last()
		n.e.DelayPeers(0)
	}},
	{"SIGSTOP of both followers", func(n *nemesis, rng *rand.Rand, last func()) {
		_, followers := n.cast(rng)
		n.stop(last, followers...)
	}},
}

// depose parts the leader from its followers, which elect another leader at
// once, because they are restarted. The old leader goes on to answer its clients
// until it notices.
func (n *nemesis) depose(leader *ensemble.Server, followers []*ensemble.Server, last func()) {
	n.note("server %d (%s) is parted from its followers, which are restarted", leader.ID(), leader.Mode())
	for _, f := range followers {
		n.e.Sever(leader, f)
		n.e.Sever(f, leader)
		f.Kill()
	}
	for _, f := range followers {
		f.Restart()
	}
	n.replaced(followers)
	if leader.Mode() == "leader" {
		n.twoLeaders.Add(1)
		n.note("server %d still leads, too", leader.ID())
	}
	last()
	n.e.HealPeers()
	n.note("the servers hear each other again")
}

// replaced waits until one of the servers leads.
func (n *nemesis) replaced(followers []*ensemble.Server) {
	n.tb.Helper()
	ensemble.Eventually(n.tb, patience, "another server leads", func() bool {
		for _, f := range followers {
			if f.Mode() == "leader" {
				n.note("server %d leads", f.ID())
				return true
			}
		}
		return false
	})
}

// fill makes the writes of servers fail. Then it restarts them, since a server
// does not always come back by itself when its disk has room.
func (n *nemesis) fill(last func(), victims ...*ensemble.Server) {
	for _, s := range victims {
		n.note("server %d (%s) cannot write to its disk", s.ID(), s.Mode())
		s.RefuseWrites()
	}
	last()
	for _, s := range victims {
		n.note("server %d (%q) is restarted", s.ID(), s.Mode())
		s.Restart()
	}
}

// diskFaults are disks to which servers cannot write.
var diskFaults = []fault{
	{"full disk of the leader", func(n *nemesis, rng *rand.Rand, last func()) {
		leader, _ := n.cast(rng)
		n.fill(last, leader)
	}},
	{"full disk of a follower", func(n *nemesis, rng *rand.Rand, last func()) {
		_, followers := n.cast(rng)
		n.fill(last, followers[0])
	}},
	{"full disks of two", func(n *nemesis, rng *rand.Rand, last func()) {
		leader, followers := n.cast(rng)
		n.fill(last, leader, followers[0])
	}},
}

// clockFaults are jumps of the time of day of servers.
var clockFaults = []fault{
	{"clock jump of the leader", func(n *nemesis, rng *rand.Rand, last func()) {
		leader, _ := n.cast(rng)
		n.jump(rng, last, leader)
	}},
	{"clock jump of a follower, which is to lead", func(n *nemesis, rng *rand.Rand, last func()) {
		leader, followers := n.cast(rng)
		n.jump(rng, func() { n.kill(last, leader) }, followers...)
	}},
}

func (n *nemesis) jump(rng *rand.Rand, last func(), victims ...*ensemble.Server) {
	offset := between(rng, time.Second, 48*time.Hour)
	if rng.IntN(2) == 0 {
		offset = -offset
	}
	for _, s := range victims {
		n.note("the clock of server %d (%s) jumps by %v", s.ID(), s.Mode(), offset)
		s.SetClock(offset)
	}
	last()
	for _, s := range victims {
		n.note("the clock of server %d is right again", s.ID())
		s.SetClock(0)
	}
}

// upgrade brings each server back with the new version of ZooKeeper, the leader
// last.
func (n *nemesis) upgrade() {
	leader, followers := n.cast(source(n.seed, "upgrade"))
	n.count("rolling upgrade")
	for _, s := range append(followers, leader) {
		s.Upgrade()
		s.Stop()
		s.Restart()
		n.heal()
		if !s.Upgraded() {
			n.tb.Errorf("server %d is not upgraded", s.ID())
		}
		n.note("server %d (%s) is upgraded", s.ID(), s.Mode())
	}
}

var zxidLine = regexp.MustCompile(`(?m)^Zxid: 0x([0-9a-f]+)$`)

// epoch returns the number of leaders that the ensemble has had.
func (n *nemesis) epoch() int64 {
	n.tb.Helper()
	epoch := int64(0)
	ensemble.Eventually(n.tb, patience, "the leader tells its epoch", func() bool {
		answer, err := n.e.Leader().Word("srvr")
		m := zxidLine.FindStringSubmatch(answer)
		if err != nil || m == nil {
			return false
		}
		zxid, err := strconv.ParseInt(m[1], 16, 64)
		epoch = zxid >> 32
		return err == nil
	})
	return epoch
}
