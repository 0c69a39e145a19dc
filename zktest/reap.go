package zktest

import (
	"maps"
	"slices"
	"time"
)

// armReaper sets the timer for the next round of reaping. The rounds keep the
// rhythm from the server's start, but no round runs while there is nothing to
// reap. An endless timer would keep a synctest bubble from noticing a deadlock.
func (s *Server) armReaper() {
	interval := s.cfg.containerInterval
	wait := interval - time.Since(s.started)%interval
	s.reaper = time.AfterFunc(wait, s.reap)
}

// reap deletes empty containers and expired TTL nodes, as ZooKeeper's
// ContainerManager does. A container is deleted once it has had a child and has
// none left. A TTL node is deleted once it has no child and was not written for
// its TTL.
func (s *Server) reap() {
	s.do(func() {
		s.reaper = nil
		s.propose(s.reapNow)
	})
}

func (s *Server) reapNow() {
	now := s.stamp()
	for _, path := range slices.Sorted(maps.Keys(s.tree.nodes)) {
		if s.frozen.shut() {
			break
		}
		n := s.tree.nodes[path]
		spent := n.kind == kindContainer && n.creates > 0 || n.kind == kindTTL && now-n.mtime > n.ttl
		if spent && len(n.children) == 0 {
			s.commit(change{kind: Deleted, path: path, zxid: s.nextZxid(), time: now}, 0)
		}
	}
	if s.tree.mortal > 0 && s.reaper == nil {
		s.armReaper()
	}
}
