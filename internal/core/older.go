package core

import (
	"context"
	"errors"
	"sync/atomic"
)

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

// survey learns whether the servers are older than ZooKeeper 3.7 or 3.6. They
// close the connection for a request that they do not know. Under OnDisconnect
// that would end every hold of the session, so the Manager asks before its first
// session has any. A survey that is cut short is repeated in the next session.
func (s *Session) survey(ctx context.Context) {
	m := s.m
	if m.cfg.LossPolicy != OnDisconnect || m.surveyed {
		return
	}
	_, err := s.identities(ctx)
	if errors.Is(err, ErrUnimplemented) {
		_, err = s.ReadMany(ctx, []ReadOp{{Path: "/"}, {Path: "/"}})
		if m.noMultiRead.Load() {
			m.noLasting.Store(true) // both came with ZooKeeper 3.6
		}
	}
	m.surveyed = err == nil
}
