package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Sites: the servers of a measure.
const (
	standalone = "standalone" // one server, on loopback
	counting   = "counting"   // the one server, behind a relay that counts requests
	stocked    = "stocked"    // another single server, for measures that leave 100,000 znodes behind
	three      = "three"      // an ensemble of three, with all clients at one follower
	spread     = "spread"     // the ensemble of three, with clients at all servers
	inMemory   = "inMemory"   // the embedded server, in memory
	rtt0       = "rtt0"       // the one server, behind a proxy without a delay
	rtt1       = "rtt1"       // … that adds a millisecond to every round trip
	rtt5       = "rtt5"       // … five
)

const (
	sessionTimeout = 4 * time.Second
	stockedTimeout = 20 * time.Second // a list of 100,000 may delay a session's pings
	tick           = 250 * time.Millisecond
)

// lab has everything that a run starts. It starts things only when they are
// needed.
type lab struct {
	ctx      context.Context
	bed      *bed
	sets     map[string]*ensemble.Ensemble // by the site without a proxy
	sites    map[string]*site
	drivers  map[string]*driver
	fixtures map[string]string
	dirs     int
}

func newLab(ctx context.Context) *lab {
	return &lab{
		ctx: ctx, bed: &bed{}, sets: map[string]*ensemble.Ensemble{}, sites: map[string]*site{}, drivers: map[string]*driver{},
		fixtures: map[string]string{},
	}
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

// dir returns an unused path for a directory.
func (l *lab) dir() string {
	l.dirs++
	return fmt.Sprintf("/bench-%d", l.dirs)
}

// fixture returns a directory that is filled once for all of its readers.
func (l *lab) fixture(name string, fill func(dir string) error) (string, error) {
	if dir := l.fixtures[name]; dir != "" {
		return dir, nil
	}
	dir := l.dir()
	if err := fill(dir); err != nil {
		return "", fmt.Errorf("preparing %s: %w", name, err)
	}
	l.fixtures[name] = dir
	return dir, nil
}

// servers returns the real servers of a site.
func (l *lab) servers(name string) (*ensemble.Ensemble, error) {
	n := 1
	switch name {
	case three, spread:
		name, n = three, 3
	case stocked:
	default:
		name = standalone
	}
	if e := l.sets[name]; e != nil {
		return e, nil
	}
	// The limits of a production server are not the subject. So these servers
	// accept 4 MiB lists, have a heap for 100,000 items, and do not sync the
	// disk.
	err := l.bed.try(func() {
		l.sets[name] = ensemble.Start(l.bed, n, ensemble.TickTime(tick), ensemble.Heap("1g"), ensemble.JVM("-Djute.maxbuffer="+strconv.Itoa(longestAnswer)),
			ensemble.Config("maxSessionTimeout", strconv.FormatInt(manyTimeout.Milliseconds(), 10)))
	})
	return l.sets[name], err
}

// at returns the site of that name.
func (l *lab) at(name string) (*site, error) {
	if s := l.sites[name]; s != nil {
		return s, nil
	}
	if name == inMemory {
		return l.embedded()
	}
	e, err := l.servers(name)
	if err != nil {
		return nil, err
	}
	s := &site{lab: l, addrs: e.Addrs(), servers: e.Servers(), timeout: sessionTimeout}
	switch name {
	case stocked:
		s.timeout = stockedTimeout
	case three:
		// All clients use one server instead of random ones: the leader answers
		// writes sooner than a follower.
		followers := e.Followers()
		if len(followers) == 0 {
			return nil, errors.New("no server follows")
		}
		s.addrs = []string{followers[0].Addr()}
	case counting:
		if s.relay, err = startRelay(s.addrs[0]); err != nil {
			return nil, err
		}
		s.addrs = []string{s.relay.addr()}
	case rtt0, rtt1, rtt5:
		s.added = map[string]time.Duration{rtt0: 0, rtt1: time.Millisecond, rtt5: 5 * time.Millisecond}[name]
		var proxies *ensemble.Proxies
		if err := l.bed.try(func() { proxies = e.Proxied(l.bed) }); err != nil {
			return nil, err
		}
		proxies.At(0).Delay(s.added / 2) // each way
		s.addrs = proxies.Addrs()
	}
	l.sites[name] = s
	return s, nil
}

// embedded is a server in this process.
func (l *lab) embedded() (*site, error) {
	srv, err := zktest.Start()
	if err != nil {
		return nil, err
	}
	l.bed.Cleanup(func() {
		if err := srv.Close(); err != nil {
			l.bed.Errorf("closing the embedded server: %v", err)
		}
	})
	l.sites[inMemory] = &site{lab: l, addrs: []string{"127.0.0.1:2181"}, embedded: srv, timeout: stockedTimeout}
	return l.sites[inMemory], nil
}

// site is an ensemble as seen by a client. Its sessions are kept from one
// measure to the next.
type site struct {
	lab      *lab
	servers  []*ensemble.Server
	relay    *relay         // counts requests; nil at most sites
	embedded *zktest.Server // the embedded server, or nil
	addrs    []string
	timeout  time.Duration // of the sessions
	added    time.Duration // to a round trip
	raws     []*zk.Conn
	managers []*session.Manager
}

func (s *site) String() string { return strings.Join(s.addrs, ",") }

// settle is the time until a client that was told to wait is certainly waiting.
func (s *site) settle() { time.Sleep(8*time.Millisecond + 4*s.added) }

// raw returns n sessions of go-zookeeper.
func (s *site) raw(n int) ([]*zk.Conn, error) {
	for len(s.raws) < n {
		dial := net.DialTimeout
		if s.embedded != nil {
			dial = s.embedded.Dial
		}
		conn, err := connectBy(dial, s.addrs, s.timeout)
		if err != nil {
			return nil, err
		}
		s.raws = append(s.raws, conn)
	}
	return s.raws[:n], nil
}

func connect(addrs []string, timeout time.Duration) (*zk.Conn, error) {
	return connectBy(net.DialTimeout, addrs, timeout)
}

func connectBy(dial zk.Dialer, addrs []string, timeout time.Duration) (*zk.Conn, error) {
	conn, events, err := zk.Connect(addrs, timeout, zk.WithDialer(dial), zk.WithLogger(silent{}))
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
		sm, err := s.dial()
		if err != nil {
			return nil, err
		}
		s.managers = append(s.managers, sm)
	}
	return s.managers[:n], nil
}

// dial opens a session of ours that the caller closes.
func (s *site) dial() (*session.Manager, error) {
	cfg := session.Config{Servers: s.addrs, Timeout: s.timeout}
	if s.embedded != nil {
		cfg.Dialer = s.embedded.DialContext
	}
	return session.Dial(s.lab.ctx, cfg)
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
	if s.relay != nil {
		s.relay.close()
	}
}
