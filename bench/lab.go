package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// Sites: what the measured requests go to.
const (
	standalone = "standalone" // one server, on loopback
	three      = "three"      // an ensemble of three, whose clients are all at one follower
	rtt0       = "rtt0"       // the one server, behind a proxy that adds nothing but itself
	rtt1       = "rtt1"       // … that adds a millisecond to every round trip
	rtt5       = "rtt5"       // … five
)

const (
	sessionTimeout = 4 * time.Second
	tick           = 250 * time.Millisecond
)

// lab is everything that a run starts. Nothing is started before it is needed.
type lab struct {
	ctx     context.Context
	bed     *bed
	sets    map[int]*ensemble.Ensemble // by the number of servers
	sites   map[string]*site
	drivers map[string]*driver
	dirs    int
}

func newLab(ctx context.Context) *lab {
	return &lab{ctx: ctx, bed: &bed{}, sets: map[int]*ensemble.Ensemble{}, sites: map[string]*site{}, drivers: map[string]*driver{}}
}

func (l *lab) close() {
	for _, d := range l.drivers {
		d.stop()
	}
	for _, s := range l.sites {
		s.close()
	}
	l.bed.end()
}

// servers are the real ones: standalone for n = 1.
func (l *lab) servers(n int) (*ensemble.Ensemble, error) {
	if e := l.sets[n]; e != nil {
		return e, nil
	}
	// The limits of a production server are not what is measured: 4 MiB lists, a heap for 100,000 items, no sync of the disk.
	err := l.bed.try(func() {
		l.sets[n] = ensemble.Start(l.bed, n, ensemble.TickTime(tick), ensemble.Heap("1g"), ensemble.JVM("-Djute.maxbuffer=4194304"))
	})
	return l.sets[n], err
}

// at is the site of that name.
func (l *lab) at(name string) (*site, error) {
	if s := l.sites[name]; s != nil {
		return s, nil
	}
	n := 1
	if name == three {
		n = 3
	}
	e, err := l.servers(n)
	if err != nil {
		return nil, err
	}
	s := &site{lab: l, addrs: e.Addrs()}
	if n > 1 {
		// All clients at one server, and not each where chance leads it: the
		// leader answers writes sooner than a follower.
		followers := e.Followers()
		if len(followers) == 0 {
			return nil, errors.New("no server follows")
		}
		s.addrs = []string{followers[0].Addr()}
	}
	if added, slow := map[string]time.Duration{rtt0: 0, rtt1: time.Millisecond, rtt5: 5 * time.Millisecond}[name]; slow {
		var proxies *ensemble.Proxies
		if err := l.bed.try(func() { proxies = e.Proxied(l.bed) }); err != nil {
			return nil, err
		}
		proxies.At(0).Delay(added / 2) // each way
		s.addrs, s.added = proxies.Addrs(), added
	}
	l.sites[name] = s
	return s, nil
}

// site is an ensemble as seen from a client. Sessions are kept from one
// measure to the next.
type site struct {
	lab      *lab
	addrs    []string
	added    time.Duration // to a round trip
	raws     []*zk.Conn
	managers []*session.Manager
}

func (s *site) String() string { return strings.Join(s.addrs, ",") }

// settle is how long to wait until a client that was told to wait does so.
func (s *site) settle() { time.Sleep(8*time.Millisecond + 4*s.added) }

// raw returns n sessions of go-zookeeper.
func (s *site) raw(n int) ([]*zk.Conn, error) {
	for len(s.raws) < n {
		conn, err := connect(s.addrs, sessionTimeout)
		if err != nil {
			return nil, err
		}
		s.raws = append(s.raws, conn)
	}
	return s.raws[:n], nil
}

func connect(addrs []string, timeout time.Duration) (*zk.Conn, error) {
	conn, events, err := zk.Connect(addrs, timeout, zk.WithLogger(silent{}))
	if err != nil {
		return nil, err
	}
	late := time.After(10 * time.Second)
	for {
		select {
		case e := <-events:
			if e.State == zk.StateHasSession {
				return conn, nil
			}
		case <-late:
			conn.Close()
			return nil, fmt.Errorf("no session with %s", strings.Join(addrs, ","))
		}
	}
}

// silent is a logger for a client whose connections are cut on purpose.
type silent struct{}

func (silent) Printf(string, ...any) {}

// sm returns n of our session managers, each with a session.
func (s *site) sm(n int) ([]*session.Manager, error) {
	for len(s.managers) < n {
		sm, err := session.Dial(s.lab.ctx, session.Config{Servers: s.addrs, Timeout: sessionTimeout})
		if err != nil {
			return nil, err
		}
		s.managers = append(s.managers, sm)
	}
	return s.managers[:n], nil
}

func (s *site) close() {
	for _, sm := range s.managers {
		if err := sm.Close(); err != nil {
			s.lab.bed.Errorf("closing a session: %v", err)
		}
	}
	for _, conn := range s.raws {
		conn.Close()
	}
}
