package barrier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/session"
)

// recognise reads the existing node at our path. It was created by a create
// whose answer was lost, or in an earlier session of this Enter, or by another
// member with our id, which is a takenError. recognise returns false without an
// error if the path is free again.
func (e *entrant) recognise(ctx context.Context, s *core.Session) (ours bool, err error) {
	leaving := s.Leaving(e.d.dir)[e.name] // asked before the node is read: it may have gone then
	if err := s.Confirm(ctx, e.path); err != nil {
		return false, err
	}
	data, stat, err := s.Get(ctx, e.path)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return false, nil
	case err != nil:
		return false, err
	}
	o, _ := owner.Parse(data)
	switch {
	case o.Visit != e.visit && stat.EphemeralOwner == s.ID() && leaving != nil:
		select { // an earlier call of this process has given the node up
		case <-leaving:
		case <-s.Done():
		case <-ctx.Done():
			return false, ctx.Err()
		}
		return false, nil
	case o.Visit != e.visit && core.Lasting(stat):
		return false, fmt.Errorf("%s: %w", e.path, core.ErrNotEphemeral)
	case o.Visit != e.visit:
		return false, &takenError{id: e.d.id, holder: o, stat: stat, ours: stat.EphemeralOwner == s.ID()}
	case stat.EphemeralOwner == s.ID():
		return true, nil
	}
	return false, remove(ctx, s, e.path, stat)
}

// takenError is the error for another member, which has our id.
type takenError struct {
	id     string
	holder owner.Data
	stat   core.Stat
	ours   bool // it is a member of this process
}

// member names the other member.
func (e *takenError) member() string {
	text := fmt.Sprintf("member with the id %q", e.id)
	switch {
	case e.ours:
		text += " of this process"
	case e.holder.PID != 0:
		text += fmt.Sprintf(" of process %d on %s", e.holder.PID, e.holder.Host)
	}
	return text
}

func (e *takenError) Error() string {
	advice := "choose another id"
	if !e.ours {
		advice += ", or end its process: the id is free when that session has ended"
	}
	return fmt.Sprintf("%v: a %s is at the barrier, and session %v holds it; %s",
		core.ErrIDTaken, e.member(), session.ID(e.stat.EphemeralOwner), advice)
}

func (e *takenError) Unwrap() error { return core.ErrIDTaken }

// outlast waits for the node of another process with our id. It returns nil
// when the node may be gone, and for an err of nil. It returns err at once if it
// is not a takenError, or if the member belongs to this process, and once a live
// process must own the node.
func (e *entrant) outlast(ctx context.Context, s *core.Session, err error) error {
	var taken *takenError
	if !errors.As(err, &taken) || taken.ours {
		return err
	}
	left := e.rival.Left(taken.stat.Czxid, s.Timeout())
	if left <= 0 {
		return err
	}
	node, watch, err := s.SeeW(ctx, e.path)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return nil
	case err != nil:
		return err
	}
	defer watch.Stop()
	if node.Stat.Czxid != taken.stat.Czxid {
		return nil
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-watch.Done():
	case <-timer.C:
	case <-ctx.Done():
		return fmt.Errorf("waiting for the %s, session %v, to go: %w", taken.member(), session.ID(taken.stat.EphemeralOwner), ctx.Err())
	}
	return nil
}
