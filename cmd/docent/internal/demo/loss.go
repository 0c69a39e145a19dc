package demo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// lostHold: a holder's packets are lost. Its context ends before the server
// gives the lock to another process, and its late writes are refused.
func lostHold(ctx context.Context, s *stage) error {
	const path, data = "/demo/lock", "/demo/ledger"
	if err := s.server.Put(data, []byte("empty")); err != nil {
		return err
	}
	ann, err := s.enter(ctx, "ann")
	if err != nil {
		return err
	}
	ben, err := s.enter(ctx, "ben")
	if err != nil {
		return err
	}
	old, err := lock.NewMutex(ann.Manager, path, lock.ID("ann")).Lock(ctx)
	if err != nil {
		return err
	}
	s.say("ann", "HOLDS %s, with token %d", path, old.Token())
	next := s.lockLater(ctx, ben, path)

	removed := s.removal(old.Path())
	cut := time.Now()
	ann.link.Cut(zktest.ToServer)
	s.say("network", "loses everything that ann sends; what the server sends still arrives")
	if _, err := await(ctx, "the end of ann's hold", old.Done()); err != nil {
		return err
	}
	ended := time.Since(cut)
	s.say("ann", "her context has ended at T+%s: %v", seconds(ended), old.Err())
	at, err := await(ctx, "the server to remove ann's znode", removed)
	if err != nil {
		return err
	}
	gone := at.Sub(cut)
	s.say("server", "ann's session has expired; her znode is removed at T+%s", seconds(gone))
	got, err := await(ctx, "ben's turn", next)
	if err != nil || got.err != nil {
		return errors.Join(err, got.err)
	}
	s.say("ben", "HOLDS it, with token %d", got.hold.Token())
	if err := s.claim(ended < gone, "ann knew %s before another process could hold the lock", seconds(gone-ended)); err != nil {
		return err
	}
	if err := s.claim(got.hold.Token() > old.Token(), "ben's token is greater than ann's: %d > %d", got.hold.Token(), old.Token()); err != nil {
		return err
	}
	return s.lateWrites(ctx, ann, ben, old, got.hold, data)
}

// acquired is the result of a wait for the lock.
type acquired struct {
	hold *lock.Hold
	err  error
}

// lockLater has a process wait for the lock in the background.
func (s *stage) lockLater(ctx context.Context, p *process, path string) <-chan acquired {
	s.say(p.name, "waits for it")
	result := make(chan acquired, 1)
	go func() {
		hold, err := lock.NewMutex(p.Manager, path, lock.ID(p.name)).Lock(ctx)
		result <- acquired{hold, err}
	}()
	return result
}

// lateWrites has the old holder send the write that it had prepared before it
// was cut off. A process does that if it is paused between its look at the lock
// and its write.
func (s *stage) lateWrites(ctx context.Context, ann, ben *process, old, now *lock.Hold, data string) error {
	ann.link.Heal()
	s.say("network", "is well again; ann sends the write that she had prepared")
	_, err := ann.Txn(ctx, old.Guard(), session.SetOp(data, []byte("ann"), session.AnyVersion))
	if err == nil || errors.Is(err, session.ErrLost) {
		if err := s.claim(err != nil, "the server rejects a transaction with the guard of a lost hold"); err != nil {
			return err
		}
	} else {
		return fmt.Errorf("the guarded write: %w", err)
	}
	if _, err := ben.Txn(ctx, now.Guard(), session.SetOp(data, []byte("ben"), session.AnyVersion)); err != nil {
		return fmt.Errorf("ben's guarded write: %w", err)
	}
	node, _ := s.server.Node(data)
	if err := s.claim(string(node.Data) == "ben", "ben's, which has the guard of the present hold, is done"); err != nil {
		return err
	}
	var elsewhere fencedStore
	byBen, byAnn := elsewhere.write("ben", now.Token()), elsewhere.write("ann", old.Token())
	s.say("store", "ben writes with token %d: %s", now.Token(), verdict(byBen))
	s.say("store", "ann writes with token %d: %s", old.Token(), verdict(byAnn))
	return s.claim(byBen && !byAnn && elsewhere.value == "ben", "a store that compares tokens rejects the late write too")
}

// fencedStore is a store outside of ZooKeeper that remembers the greatest token
// it has seen, and refuses smaller ones. Its zero value is empty.
type fencedStore struct {
	mu       sync.Mutex
	value    string
	greatest int64
}

func (f *fencedStore) write(value string, token int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if token < f.greatest {
		return false
	}
	f.value, f.greatest = value, token
	return true
}

func verdict(done bool) string {
	if done {
		return "done"
	}
	return "REJECTED, since a greater token was here before"
}
