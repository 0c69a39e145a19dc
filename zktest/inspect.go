package zktest

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Count returns how many requests of a kind have come up for execution,
// including those that an interceptor holds, drops or fails. [OpConnect] counts
// handshakes. A multi counts once.
func (s *Server) Count(op Op) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[op]
}

// Counts returns the result of [Server.Count] for every kind that has come up.
func (s *Server) Counts() map[Op]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

// ResetCounts sets all counts to zero.
func (s *Server) ResetCounts() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.counts)
}

// SessionInfo describes a session.
type SessionInfo struct {
	ID         int64
	Timeout    time.Duration // as negotiated
	Connected  bool
	Ephemerals []string // the paths it owns, sorted
	LastHeard  time.Time
	ExpiresAt  time.Time // if no more frames arrive
}

// Sessions lists the live sessions in the order in which they were opened.
func (s *Server) Sessions() []SessionInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]SessionInfo, 0, len(s.sessions))
	for _, sess := range s.sessions {
		list = append(list, SessionInfo{
			ID: sess.id, Timeout: sess.timeout, Connected: sess.conn != nil, Ephemerals: s.tree.ownedBy(sess.id),
			LastHeard: sess.lastHeard, ExpiresAt: sess.deadline(),
		})
	}
	slices.SortFunc(list, func(a, b SessionInfo) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// trees lists all trees that hold watches: the tree of the server, of each
// deposed leader and of each lagging replica.
func (s *Server) trees() []*tree {
	list := []*tree{s.tree}
	for _, old := range s.deposed {
		if !slices.Contains(list, old.tree) {
			list = append(list, old.tree)
		}
	}
	for _, sess := range s.sessions {
		if sess.replica != nil {
			list = append(list, sess.replica.tree)
		}
	}
	return list
}

// Watches returns how many watches the server keeps. A connection's watches on
// the data of a path count as one, and its watches on the children as another.
func (s *Server) Watches() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, t := range s.trees() {
		n += t.data.size() + t.child.size()
	}
	return n
}

// WatchesOf returns how many watches the server keeps on a path.
func (s *Server) WatchesOf(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, t := range s.trees() {
		n += len(t.data.byPath[path]) + len(t.child.byPath[path])
	}
	return n
}

// SessionWatches returns how many watches the server keeps for a session.
func (s *Server) SessionWatches(session int64) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, c := range s.connsOf(session) {
		for _, t := range s.trees() {
			n += len(t.data.byConn[c]) + len(t.child.byConn[c])
		}
	}
	return n
}

// NodeInfo describes a znode.
type NodeInfo struct {
	Data      []byte
	Stat      Stat
	ACL       []ACL
	Children  []string // names, sorted
	Container bool     // which a client cannot see
}

// Node returns what the server holds at path.
func (s *Server) Node(path string) (NodeInfo, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.tree.nodes[path]
	if n == nil {
		return NodeInfo{}, false
	}
	return NodeInfo{
		Data: slices.Clone(n.data), Stat: n.stat(), ACL: slices.Clone(n.acl), Children: slices.Clone(n.children),
		Container: n.kind == kindContainer,
	}, true
}

// Paths lists all znodes, sorted, without the root and without those below /zookeeper.
func (s *Server) Paths() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paths()
}

func (s *Server) paths() []string {
	list := make([]string, 0, len(s.tree.nodes))
	for p := range s.tree.nodes {
		if p != rootPath && !inSystem(p) {
			list = append(list, p)
		}
	}
	slices.Sort(list)
	return list
}

// Zxid returns the number of the last transaction.
func (s *Server) Zxid() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tree.zxid
}
