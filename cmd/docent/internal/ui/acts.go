package ui

import (
	"context"
	"errors"
	"path"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
)

// transfer transfers a leadership.
func (s *Server) transfer(ctx context.Context, what request) error {
	return election.New(s.cfg.Manager, what.Path).Transfer(ctx, what.ID)
}

// drain sets or removes the draining mark of an instance.
func (s *Server) drain(ctx context.Context, what request) error {
	codecs := map[string]naming.Codec{"curator": naming.Curator(), "spring": naming.Spring()}
	codec, ok := codecs[what.Layout]
	if !ok {
		return errors.New("instances of this layout cannot be drained from here; use docent service drain")
	}
	base, service := path.Split(what.Path)
	registry := naming.NewRegistry(s.cfg.Manager, naming.Base(path.Clean(base)), naming.Layout(codec))
	return registry.SetDraining(ctx, service, what.ID, what.Draining)
}

// errNotPath says that an action on a path was confirmed with something else.
var errNotPath = errors.New("the id of this action is its path: send the path as id and confirm")

// revoke asks the owner of a lock's znode to release the lock.
func (s *Server) revoke(ctx context.Context, what request) error {
	if what.ID != what.Path {
		return errNotPath
	}
	return lock.Revoke(ctx, s.cfg.Manager, what.Path)
}

// lift opens a gate.
func (s *Server) lift(ctx context.Context, what request) error {
	if what.ID != what.Path {
		return errNotPath
	}
	return barrier.New(s.cfg.Manager, what.Path).Lift(ctx)
}

// remove deletes a znode that is still abandoned.
func (s *Server) remove(ctx context.Context, what request) error {
	if what.ID != what.Path {
		return errNotPath
	}
	return inspect.RemoveAbandoned(ctx, s.cfg.Manager, what.Path)
}

// queueLayouts are the layouts of queues, as docent queue --layout names them.
var queueLayouts = map[string]queue.Format{
	"curator": queue.Curator, "simple": queue.SimpleQueue, "kazoo": queue.KazooQueue, "kazoo-locking": queue.KazooLockingQueue,
}

var errLayout = errors.New("this layout of a queue is not known: send curator, simple, kazoo or kazoo-locking")

func (s *Server) queueAt(path, layout string) (*queue.Queue, error) {
	format, ok := queueLayouts[layout]
	if !ok {
		return nil, errLayout
	}
	return queue.New(s.cfg.Manager, path, queue.Layout(format)), nil
}

// errLetterGone says that a letter was redriven or discarded meanwhile.
var errLetterGone = errors.New("the dead letter does not exist any longer; nothing was changed")

// redrive puts a dead letter back into its queue.
func (s *Server) redrive(ctx context.Context, what request) error {
	q, err := s.queueAt(what.Path, what.Layout)
	if err != nil {
		return err
	}
	return one(q.Redrive(ctx, what.ID))
}

// discard deletes a dead letter.
func (s *Server) discard(ctx context.Context, what request) error {
	q, err := s.queueAt(what.Path, what.Layout)
	if err != nil {
		return err
	}
	return one(q.Discard(ctx, what.ID))
}

func one(n int, err error) error {
	if err == nil && n == 0 {
		return errLetterGone
	}
	return err
}
