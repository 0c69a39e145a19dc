package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// serverFaults are faults of servers.
var serverFaults = []fault{
	{"kill -9 of the leader", func(n *nemesis, rng *rand.Rand, last func()) {
		leader, _ := n.cast(rng)
		n.kill(last, leader)
	}},
	{"kill -9 of a follower", func(n *nemesis, rng *rand.Rand, last func()) {
		_, followers := n.cast(rng)
		n.kill(last, followers[0])
	}},
	{"loss of the quorum, with the leader", func(n *nemesis, rng *rand.Rand, last func()) {
		leader, followers := n.cast(rng)
		n.kill(last, leader, followers[0])
	}},
	{"loss of the quorum, without the leader", func(n *nemesis, rng *rand.Rand, last func()) {
		_, followers := n.cast(rng)
		n.kill(last, followers...)
	}},
	{"kill -9 of all", func(n *nemesis, rng *rand.Rand, last func()) {
		n.kill(last, n.e.Servers()...)
	}},
	{"SIGSTOP of the leader", func(n *nemesis, rng *rand.Rand, last func()) {
		leader, _ := n.cast(rng)
		n.stop(last, leader)
	}},
	{"SIGSTOP of a follower", func(n *nemesis, rng *rand.Rand, last func()) {
		_, followers := n.cast(rng)
		n.stop(last, followers[0])
	}},
	{"SIGSTOP of two", func(n *nemesis, rng *rand.Rand, last func()) {
		leader, followers := n.cast(rng)
		n.stop(last, leader, followers[0])
	}},
	{"rolling restart", func(n *nemesis, rng *rand.Rand, _ func()) {
		leader, followers := n.cast(rng)
		for _, s := range append(followers, leader) {
			n.note("server %d is restarted", s.ID())
			s.Stop()
			s.Restart()
			n.heal()
		}
	}},
	{"follower parted from the leader", func(n *nemesis, rng *rand.Rand, last func()) {
		leader, followers := n.cast(rng)
		n.part(last, [2]*ensemble.Server{leader, followers[0]}, [2]*ensemble.Server{followers[0], leader})
	}},
	{"follower does not hear the leader", func(n *nemesis, rng *rand.Rand, last func()) {
		leader, followers := n.cast(rng)
		n.part(last, [2]*ensemble.Server{leader, followers[0]})
	}},
	{"leader does not hear a follower", func(n *nemesis, rng *rand.Rand, last func()) {
		leader, followers := n.cast(rng)
		n.part(last, [2]*ensemble.Server{followers[0], leader})
	}},
	{"leader parted from all", func(n *nemesis, rng *rand.Rand, last func()) {
		leader, followers := n.cast(rng)
		var ways [][2]*ensemble.Server
		for _, f := range followers {
			ways = append(ways, [2]*ensemble.Server{leader, f}, [2]*ensemble.Server{f, leader})
		}
		n.part(last, ways...)
	}},
	{"slow links between the servers", func(n *nemesis, rng *rand.Rand, last func()) {
		d := between(rng, 20*time.Millisecond, 150*time.Millisecond)
		n.note("%v between the servers", d)
		n.e.DelayPeers(d)
		last()
		n.e.DelayPeers(0)
	}},
}

func (n *nemesis) kill(last func(), victims ...*ensemble.Server) {
	for _, s := range victims {
		n.note("kill -9 of server %d (%s)", s.ID(), s.Mode())
		s.Kill()
	}
	last()
	for _, s := range victims {
		s.Restart()
		n.note("server %d is started", s.ID())
	}
}

func (n *nemesis) stop(last func(), victims ...*ensemble.Server) {
	for _, s := range victims {
		n.note("SIGSTOP of server %d (%s)", s.ID(), s.Mode())
		s.Pause()
	}
	last()
	for _, s := range victims {
		s.Resume()
		n.note("SIGCONT of server %d", s.ID())
	}
}

func (n *nemesis) part(last func(), ways ...[2]*ensemble.Server) {
	for _, way := range ways {
		n.note("server %d is not heard by server %d", way[0].ID(), way[1].ID())
		n.e.Sever(way[0], way[1])
	}
	last()
	n.e.HealPeers()
	n.note("the servers hear each other again")
}

// clientFaults are faults of the connections from a client to all servers.
var clientFaults = []fault{
	cut("client is not heard", ensemble.ToServer),
	cut("client hears nothing", ensemble.ToClient),
	cut("client is cut off", ensemble.Both),
	{"client's connections break", func(n *nemesis, rng *rand.Rand, _ func()) {
		p := n.victim(rng, "is disconnected")
		p.proxy.DisconnectAll()
	}},
	{"client is refused", func(n *nemesis, rng *rand.Rand, last func()) {
		p := n.victim(rng, "is disconnected and refused")
		p.proxy.RefuseAll(true)
		p.proxy.DisconnectAll()
		last()
		p.proxy.RefuseAll(false)
	}},
	{"slow link to a client", func(n *nemesis, rng *rand.Rand, last func()) {
		d := between(rng, 20*time.Millisecond, 600*time.Millisecond)
		p := n.victim(rng, fmt.Sprintf("is %v away", d))
		p.proxy.DelayAll(d)
		last()
		p.proxy.DelayAll(0)
	}},
}

func cut(name string, d ensemble.Direction) fault {
	return fault{name, func(n *nemesis, rng *rand.Rand, last func()) {
		p := n.victim(rng, name)
		heal := p.cut(d)
		last()
		heal()
	}}
}

func (n *nemesis) victim(rng *rand.Rand, what string) *process {
	p := n.procs[rng.IntN(len(n.procs))]
	n.note("client %d: %s", p.id, what)
	return p
}

// anyWay picks the direction of a cut.
func anyWay(rng *rand.Rand) ensemble.Direction {
	return []ensemble.Direction{ensemble.ToServer, ensemble.ToClient, ensemble.Both}[rng.IntN(3)]
}

// strikeAck cuts a process off that is about to acknowledge. over ends the cut
// after up to two seconds: in some cases the session still exists then.
func (n *nemesis) strikeAck(p *process, rng *rand.Rand) (over func()) {
	const name = "cut of one that acknowledges"
	n.count(name)
	n.note("client %d: %s", p.id, name)
	heal := p.cut(anyWay(rng))
	return func() {
		pause(n.tb.Context(), between(rng, 0, sessionTimeout))
		heal()
	}
}

// strike cuts a holder off, until its hold is lost or some seconds have passed.
func (n *nemesis) strike(p *process, rng *rand.Rand, held context.Context) {
	const name = "cut of one that holds"
	n.count(name)
	n.note("client %d: %s", p.id, name)
	heal := p.cut(anyWay(rng))
	defer heal()
	pause(held, between(rng, time.Second, 5*time.Second))
}
