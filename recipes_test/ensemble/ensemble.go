package ensemble

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	startWithin = 3 * time.Minute       // other servers may be starting on the same two cores
	surveyEvery = 50 * time.Millisecond // each question is work for a starting server
	leadWithin  = 2 * time.Minute
	logTail     = 60 // lines of each server's log that a failed test prints
)

// Ensemble is a set of ZooKeeper servers that form one service.
type Ensemble struct {
	tb      testing.TB
	dir     string
	servers []*Server
	peers   peers
}

// Start runs n servers of ZooKeeper until the test ends, or a standalone server
// for n = 1. It returns when all of them serve. It calls [RequireZooKeeper]
// first. Three servers take about two seconds and 300 MiB.
func Start(tb testing.TB, n int, opts ...Option) *Ensemble {
	tb.Helper()
	RequireZooKeeper(tb)
	if most := (blockSize - 1) / 3; n < 1 || n > most {
		tb.Fatalf("an ensemble has 1 to %d servers, not %d", most, n)
	}
	set := defaults()
	for _, opt := range opts {
		opt(&set)
	}
	java, err := locate()
	if err != nil {
		tb.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "docent-ensemble-")
	if err != nil {
		tb.Fatal(err)
	}
	block := reservePorts(tb)
	e := &Ensemble{tb: tb, dir: dir}
	tb.Cleanup(e.cleanup)

	var clientPorts []int
	for range n {
		clientPorts = append(clientPorts, block.take(tb))
		if n > 1 {
			e.peers.addrs = append(e.peers.addrs, peerAddrs{data: loopback(block.take(tb)), vote: loopback(block.take(tb))})
		}
	}
	if set.peerProxies {
		e.peers.wire(tb)
	}
	for i, port := range clientPorts {
		s := &Server{tb: tb, id: i + 1, dir: filepath.Join(dir, fmt.Sprintf("server%d", i+1)), addr: loopback(port), java: java}
		if err := s.configure(set, port, e.peers.seenBy(i+1)); err != nil {
			tb.Fatalf("configuring server %d: %v", s.id, err)
		}
		e.servers = append(e.servers, s)
	}
	for _, s := range e.servers {
		if err := s.launch(); err != nil {
			tb.Fatalf("starting server %d: %v", s.id, err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), startWithin)
	defer cancel()
	if err := e.WaitQuorum(ctx); err != nil {
		tb.Fatal(err)
	}
	e.checkVersions(java.cell)
	return e
}

// checkVersions fails the test if a server runs another version than the
// cell's. A server may be between two elections: it is asked again.
func (e *Ensemble) checkVersions(cell Cell) {
	e.tb.Helper()
	for _, s := range e.servers {
		var version string
		Eventually(e.tb, leadWithin, fmt.Sprintf("server %d tells its version", s.id), func() bool {
			var err error
			version, err = s.Version()
			return err == nil
		})
		if err := cell.Check("zookeeper", version); err != nil {
			e.tb.Fatalf("server %d: %v", s.id, err)
		}
	}
}

// Server returns the i-th server, counted from 0.
func (e *Ensemble) Server(i int) *Server { return e.servers[i] }

// Servers returns all servers, including those that are down.
func (e *Ensemble) Servers() []*Server { return append([]*Server(nil), e.servers...) }

// Addrs returns the host:port of every server.
func (e *Ensemble) Addrs() []string {
	var addrs []string
	for _, s := range e.servers {
		addrs = append(addrs, s.addr)
	}
	return addrs
}

// ConnectString is [Ensemble.Addrs] joined with commas.
func (e *Ensemble) ConnectString() string { return strings.Join(e.Addrs(), ",") }

// Leader returns the server that leads, or the standalone server. It waits for
// the end of an election, and fails the test if no server leads within 30
// seconds.
func (e *Ensemble) Leader() *Server {
	e.tb.Helper()
	var leader *Server
	Eventually(e.tb, leadWithin, "a server leads", func() bool {
		for _, s := range e.servers {
			if m := s.Mode(); m == "leader" || m == "standalone" {
				leader = s
				return true
			}
		}
		return false
	})
	return leader
}

// Followers returns the servers that follow now.
func (e *Ensemble) Followers() []*Server {
	var followers []*Server
	for _, s := range e.servers {
		if s.Mode() == "follower" {
			followers = append(followers, s)
		}
	}
	return followers
}

// WaitQuorum waits until every server that is up and not paused serves, and
// exactly one of them leads. Its error says which server has crashed, or the
// state of each server when ctx ended.
func (e *Ensemble) WaitQuorum(ctx context.Context) error {
	ticker := time.NewTicker(surveyEvery)
	defer ticker.Stop()
	for {
		modes, ok := e.survey()
		if ok {
			return nil
		}
		for _, s := range e.servers {
			if s.crashed() {
				return fmt.Errorf("server %d ended by itself, see %s", s.id, s.logFile())
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no quorum (%s): %w", strings.Join(modes, ", "), ctx.Err())
		case <-ticker.C:
		}
	}
}

// survey asks every running server for its mode, and reports whether they form
// an ensemble.
func (e *Ensemble) survey() (modes []string, whole bool) {
	leaders, silent := 0, 0
	for _, s := range e.servers {
		if !s.running() {
			modes = append(modes, fmt.Sprintf("server %d: down", s.id))
			continue
		}
		mode := s.Mode()
		switch mode {
		case "leader", "standalone":
			leaders++
		case "":
			mode = "not serving"
			silent++
		}
		modes = append(modes, fmt.Sprintf("server %d: %s", s.id, mode))
	}
	return modes, leaders == 1 && silent == 0
}

// cleanup ends the servers and removes their data. The logs of a failed test
// stay.
func (e *Ensemble) cleanup() {
	for _, s := range e.servers {
		s.Kill()
	}
	if !e.tb.Failed() {
		if err := os.RemoveAll(e.dir); err != nil {
			e.tb.Errorf("removing the servers' data: %v", err)
		}
		return
	}
	for _, s := range e.servers {
		if err := os.RemoveAll(s.dataDir()); err != nil {
			e.tb.Errorf("removing the data of server %d: %v", s.id, err)
		}
		e.tb.Logf("end of %s:\n%s", s.logFile(), tail(s.logFile(), logTail))
	}
}

// tail returns the last n lines of a file, or the error of reading it.
func tail(file string, n int) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
