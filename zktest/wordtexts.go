package zktest

import (
	"fmt"
	"maps"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

func (s *Server) versionLine() string { return "Zookeeper version: " + s.cfg.traits.text + "\n" }

// statLines are the end of the words stat and srvr.
func (s *Server) statLines() string {
	return fmt.Sprintf("Latency min/avg/max: 0/0.0/0\nReceived: %d\nSent: %d\nConnections: %d\nOutstanding: 0\nZxid: 0x%x\n"+
		"Mode: standalone\nNode count: %d\n", s.packets.received.Load(), s.packets.sent.Load(), len(s.conns), s.tree.zxid, s.nodeCount())
}

// nodeCount is the number of znodes as ZooKeeper counts them: the root twice.
func (s *Server) nodeCount() int { return len(s.tree.nodes) + 1 }

// clientLines has a line for each connection, in the order of their arrival.
func (s *Server) clientLines(asker *conn, line func(c *conn, asker bool) string) string {
	var b strings.Builder
	for _, c := range slices.SortedFunc(maps.Keys(s.conns), byArrival) {
		b.WriteString(line(c, c == asker) + "\n")
	}
	return b.String()
}

// confWord describes the configuration. The server has no directories, and no
// limit of connections.
func (s *Server) confWord() string {
	_, port, err := net.SplitHostPort(s.addr())
	if err != nil {
		port = "-1"
	}
	backlog := "clientPortListenBacklog=-1\n"
	if s.cfg.traits.terse {
		backlog = ""
	}
	return fmt.Sprintf("clientPort=%s\nsecureClientPort=-1\ndataDir=\ndataDirSize=0\ndataLogDir=\ndataLogSize=0\ntickTime=%d\n"+
		"maxClientCnxns=0\nminSessionTimeout=%d\nmaxSessionTimeout=%d\n%sserverId=0\n",
		port, s.cfg.tick.Milliseconds(), s.cfg.minTimeout.Milliseconds(), s.cfg.maxTimeout.Milliseconds(), backlog)
}

// unknown is what ZooKeeper says of a value that it does not know.
const unknown = "<NA>"

// enviWord describes the process, with the names that a JVM has for its
// properties.
func (s *Server) enviWord() string {
	host, err := os.Hostname()
	if err != nil {
		host = unknown
	}
	dir, err := os.Getwd()
	if err != nil {
		dir = unknown
	}
	lines := []string{"Environment:", "zookeeper.version=" + s.cfg.traits.text, "host.name=" + host}
	for _, name := range []string{"version", "vendor", "home", "class.path", "library.path"} {
		lines = append(lines, "java."+name+"="+unknown)
	}
	lines = append(lines, "java.io.tmpdir="+os.TempDir(), "java.compiler="+unknown,
		"os.name="+runtime.GOOS, "os.arch="+runtime.GOARCH, "os.version="+unknown, "user.name="+unknown, "user.home="+unknown, "user.dir="+dir)
	for _, name := range []string{"free", "max", "total"} {
		lines = append(lines, "os.memory."+name+"=0MB")
	}
	return strings.Join(lines, "\n") + "\n"
}

// mntrWord has the gauges of ZooKeeper's mntr, but not its counters and
// summaries.
func (s *Server) mntrWord() string {
	size, ephemerals := 0, 0
	for path, n := range s.tree.nodes {
		size += len(path) + len(n.data)
		if n.kind == kindEphemeral {
			ephemerals++
		}
	}
	type gauge struct {
		name  string
		value any
	}
	gauges := []gauge{
		{"version", s.cfg.traits.text}, {"server_state", "standalone"}, {"ephemerals_count", ephemerals},
		{"num_alive_connections", len(s.conns)}, {"avg_latency", "0.0"}, {"outstanding_requests", 0}, {"znode_count", s.nodeCount()},
		{"packets_sent", s.packets.sent.Load()}, {"packets_received", s.packets.received.Load()},
		{"watch_count", s.tree.data.size() + s.tree.child.size()}, {"min_latency", 0}, {"approximate_data_size", size}, {"max_latency", 0},
	}
	if !s.cfg.traits.terse {
		gauges = append(gauges, gauge{"global_sessions", len(s.sessions)}, gauge{"local_sessions", 0},
			gauge{"connection_drop_probability", "0.0"}, gauge{"uptime", time.Since(s.started).Milliseconds()})
	}
	var b strings.Builder
	for _, v := range gauges {
		fmt.Fprintf(&b, "zk_%s\t%v\n", v.name, v.value)
	}
	return b.String()
}

func (s *Server) resetPackets() string {
	s.packets.reset()
	return "Server stats reset.\n"
}

func (s *Server) resetConnections() string {
	for c := range s.conns {
		c.packets.reset()
		c.latest = noAnswer
	}
	return "Connection stats reset.\n"
}

// dumpWord lists the sessions by their deadlines, in whole ticks, then the
// ephemeral znodes and the connections.
func (s *Server) dumpWord() string {
	var b strings.Builder
	deadline := func(sess *session) time.Time { return sess.deadline().Truncate(s.cfg.tick).Add(s.cfg.tick) }
	sets := make(map[time.Time][]string)
	for _, id := range slices.Sorted(maps.Keys(s.sessions)) {
		at := deadline(s.sessions[id])
		sets[at] = append(sets[at], sessionName(id))
	}
	b.WriteString("SessionTracker dump:\nSession ")
	dumpSets(&b, sets)
	fmt.Fprintf(&b, "ephemeral nodes dump:\nSessions with Ephemerals (%d):\n", len(s.tree.ephemerals))
	for _, id := range slices.Sorted(maps.Keys(s.tree.ephemerals)) {
		b.WriteString(sessionName(id) + ":\n")
		for _, path := range s.tree.ownedBy(id) {
			b.WriteString("\t" + path + "\n")
		}
	}
	sets = make(map[time.Time][]string)
	for _, c := range slices.SortedFunc(maps.Keys(s.conns), byArrival) {
		at, id := c.accepted.Truncate(s.cfg.tick).Add(s.cfg.tick), int64(0)
		if c.sess != nil {
			at, id = deadline(c.sess), c.sess.id
		}
		sets[at] = append(sets[at], fmt.Sprintf("ip: /%s sessionId: %s", c.nc.RemoteAddr(), sessionName(id)))
	}
	b.WriteString("Connections dump:\nConnections ")
	dumpSets(&b, sets)
	return b.String()
}

func sessionName(id int64) string { return fmt.Sprintf("0x%x", uint64(id)) }

// dumpSets prints sets of things by the time at which they expire.
func dumpSets(b *strings.Builder, sets map[time.Time][]string) {
	members := 0
	for _, set := range sets {
		members += len(set)
	}
	fmt.Fprintf(b, "Sets (%d)/(%d):\n", len(sets), members)
	for _, at := range slices.SortedFunc(maps.Keys(sets), time.Time.Compare) {
		fmt.Fprintf(b, "%d expire at %s:\n\t%s\n", len(sets[at]), at.UTC().Format("Mon Jan 02 15:04:05 MST 2006"), strings.Join(sets[at], "\n\t"))
	}
}

// The words wchs, wchc and wchp tell of the watches on data alone, as
// ZooKeeper's do.

func (s *Server) watchSummary() string {
	w := &s.tree.data
	return fmt.Sprintf("%d connections watching %d paths\nTotal watches:%d\n", len(w.byConn), len(w.byPath), w.size())
}

func (s *Server) watchesBySession() string {
	var b strings.Builder
	for _, c := range slices.SortedFunc(maps.Keys(s.tree.data.byConn), byArrival) {
		b.WriteString(sessionName(c.last) + "\n")
		for _, path := range slices.Sorted(maps.Keys(s.tree.data.byConn[c])) {
			b.WriteString("\t" + path + "\n")
		}
	}
	return b.String() + "\n"
}

func (s *Server) watchesByPath() string {
	var b strings.Builder
	for _, path := range slices.Sorted(maps.Keys(s.tree.data.byPath)) {
		b.WriteString(path + "\n")
		for _, c := range slices.SortedFunc(maps.Keys(s.tree.data.byPath[path]), byArrival) {
			b.WriteString("\t" + sessionName(c.last) + "\n")
		}
	}
	return b.String() + "\n"
}
