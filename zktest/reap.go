package zktest

import "time"

// armReaper sets the timer for the next round of reaping. The rounds keep the rhythm they have from the server's start, but none is run
// while there is nothing to reap: a timer that never ends would keep a synctest bubble from noticing that its goroutines wait for
// nothing.
func (s *Server) armReaper() {
	interval := s.cfg.containerInterval
	wait := interval - time.Since(s.started)%interval
	s.reaper = time.AfterFunc(wait, s.reap)
}

// reap deletes empty containers and outlived TTL nodes, as ZooKeeper's ContainerManager does: a container goes once it has had a
// child and has none, a TTL node once it has none and has not been written for its time.
func (s *Server) reap() {
	s.do(func() {
		s.reaper = nil
		s.propose(s.reapNow)
	})
}

func (s *Server) reapNow() {
	now := s.stamp()
	for _, path := range s.paths() {
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
