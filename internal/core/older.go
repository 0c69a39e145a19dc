package core

import "sync/atomic"

// lacks notes that the servers do not know a request, so that the Manager does
// not send it again. Every server since ZooKeeper 3.5 knows these requests. The
// protocol tells no version: so this is how the Manager learns of older servers,
// and it logs that once.
func (m *Manager) lacks(missing *atomic.Bool, request string) {
	missing.Store(true)
	if m.saidOld.CompareAndSwap(false, true) {
		m.log.Warn("the servers are older than ZooKeeper 3.5, which is the oldest that is supported", "missing", request,
			"hint", "use ZooKeeper 3.5 or later: on older servers empty directories and watches remain")
	}
}
