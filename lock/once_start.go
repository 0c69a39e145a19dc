package lock

import (
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/recognise"
	"github.com/docent-go/docent/internal/recipe/waitqueue"
	"github.com/docent-go/docent/session"
)

func (o *Once) start(ctx context.Context) (*Run, error) {
	if o.err != nil {
		return nil, o.err
	}
	over := o.sm.Waiting(ctx, o.path, !o.options.waitForRun)
	r, err := o.attempts(ctx)
	if err != nil {
		over(nil, err)
		return nil, err
	}
	over(r.core(), nil)
	return r, nil
}

// attempts makes one attempt in each session, until one begins a run or decides
// that none is due.
func (o *Once) attempts(ctx context.Context) (*Run, error) {
	var mine []string
	var notDue error
	r, err := waitqueue.InSessions(ctx, o.sm, func(s *core.Session) (*Run, error) {
		r, err := o.attempt(ctx, s, &mine)
		if errors.Is(err, ErrNotDue) { // it is the answer, even after the end of ctx
			notDue, err = err, nil
		}
		return r, err
	})
	if err == nil {
		err = notDue
	}
	return r, err
}

// attempt makes a contender's znode and decides by it, within one session. If
// attempt fails, the znode is removed.
func (o *Once) attempt(ctx context.Context, s *core.Session, mine *[]string) (*Run, error) {
	if err := o.prepare(ctx, s); err != nil {
		return nil, err
	}
	e, err := s.EnterExisting(ctx, o.path, recognise.OnceTag, o.options.data())
	switch {
	case errors.Is(err, core.ErrNoNode): // another client has deleted the record
		return nil, fmt.Errorf("%w: %w", core.ErrDeleted, err)
	case err != nil:
		return nil, err
	}
	c := &caller{o: o, s: s, Entry: e}
	r, err := c.settle(ctx, mine)
	if err != nil && !errors.Is(err, core.ErrDeleted) {
		e.Abandon()
	}
	return r, err
}

// prepare creates a missing record. It refuses a znode of another recipe or
// program, and creates nothing below it.
//
// The record is persistent. The server would delete a container after its last
// contender, and with it the memory of the last run.
func (o *Once) prepare(ctx context.Context, s *core.Session) error {
	for n := 0; ; n++ {
		data, stat, err := s.Get(ctx, o.path)
		switch {
		case errors.Is(err, core.ErrNoNode):
			if _, err = s.CreateWithParents(ctx, o.path, []byte(noRun)); err == nil {
				return nil
			}
		case err != nil:
			return err
		case stat.EphemeralOwner != 0:
			return notRecord(o.path, data, stat, nil)
		case len(data) == 0 && stat.NumChildren == 0: // made by hand, or as a parent
			err = o.replace(ctx, s, stat)
		default:
			return o.recordAt(ctx, s, data, stat)
		}
		// Another caller may have been faster. If the outcome is unknown, the
		// next read shows it.
		if err != nil && !errors.Is(err, core.ErrNodeExists) && !errors.Is(err, core.ErrBadVersion) &&
			!errors.Is(err, core.ErrNoNode) && !core.InDoubt(err) {
			return err
		}
		if err := backoff.Lost.Wait(ctx, n-1); err != nil {
			return err
		}
	}
}

// recordAt returns nil if a znode with data or children holds a record. An error
// names what it is instead, by one list if it is a directory.
func (o *Once) recordAt(ctx context.Context, s *core.Session, data []byte, stat core.Stat) error {
	_, err := parseRecord(data)
	if err == nil {
		return nil
	}
	var names []string
	if len(data) == 0 {
		names, _, err = s.Children(ctx, o.path)
		if err != nil && !errors.Is(err, core.ErrNoAuth) {
			return err
		}
	}
	return notRecord(o.path, data, stat, names)
}

// replace puts a record in the place of an empty znode. The znode may be a
// container, which its stat does not show: the server would delete it, and the
// record with it.
func (o *Once) replace(ctx context.Context, s *core.Session, stat core.Stat) error {
	kept, err := s.KeptACL(ctx, o.path)
	if err != nil {
		return err
	}
	_, err = s.Txn(ctx, core.DeleteOp(o.path, stat.Version),
		core.CreateOp(o.path, []byte(noRun), core.Persistent).WithExactACL(kept))
	if errors.Is(err, core.ErrNotEmpty) {
		return nil // another program uses it: the next read shows that
	}
	return err
}

// caller is one attempt under way.
type caller struct {
	o *Once
	s *core.Session
	*core.Entry
	watched bool // the call's own znode
}

// settle reads the record until it has begun a run, or until none is due. Only
// the transaction in begin decides. The reads only say whether it is
// worthwhile.
func (c *caller) settle(ctx context.Context, mine *[]string) (*Run, error) {
	var before []byte // what the record held before our run
	var doubt error   // of the transaction that may have begun our run
	for reading := ctx; ; {
		if doubt != nil { // the server may lag, and not know of our run yet
			if err := c.s.Confirm(reading, c.o.path); err != nil {
				return nil, err
			}
		}
		v, err := c.read(reading)
		if err != nil {
			return nil, err
		}
		decision := c.o.decide(v, c.Name, *mine)
		switch {
		case decision == ownRun:
			return c.hold(ctx, v, before)
		case errors.As(doubt, new(*core.CodeError)): // the server has answered, and the run was not begun
			return nil, doubt
		case decision == skipRun:
			return nil, &NotDueError{v.info(c.o.path), c.o.dueAgain(v)}
		case decision == awaitRun:
			if !c.o.options.waitForRun {
				return nil, &NotDueError{v.info(c.o.path), c.o.dueAgain(v)}
			}
			if err := c.await(ctx, znode.Join(c.o.path, v.record.Run)); err != nil {
				return nil, err
			}
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		*mine = append(*mine, c.Name)
		before = v.data
		done, why, err := c.begin(v, decision == replaceRun)
		switch {
		case err != nil:
			return nil, err
		case done != nil:
			return c.hold(ctx, *done, before)
		}
		doubt = why
		reading = context.Background() // which ends with the session: the run may have begun
	}
}

// read reads the record, the names of the contenders, and the call's own znode,
// in one request. The server knows the znode, so its answer is at least as new
// as the call.
func (c *caller) read(ctx context.Context) (view, error) {
	read, err := c.s.ReadMany(ctx, []core.ReadOp{{Path: c.o.path}, {Path: c.o.path, Children: true}, {Path: c.Path()}})
	if err != nil {
		return view{}, err
	}
	for _, r := range read {
		switch {
		case errors.Is(r.Err, core.ErrNoNode):
			return view{}, core.ErrDeleted
		case r.Err != nil:
			return view{}, r.Err
		}
	}
	v := view{data: read[0].Data, stat: read[0].Stat, names: read[1].Children, own: read[2].Stat}
	if v.record, err = parseRecord(v.data); err != nil {
		err = notRecord(c.o.path, v.data, v.stat, v.names)
	}
	// A call comes before its run is recorded. A record of another ensemble, or
	// a forged one, may say another zxid, which no call would ever reach.
	v.record.Zxid = min(v.record.Zxid, v.stat.Mzxid)
	return v, err
}

// begin writes our run into the record, if the record is as it was read and our
// own znode exists. It returns the record as it is then. If it returns neither
// a record nor an error, the next read shows what has become of the run; doubt
// is then the error of an unknown outcome, if there was one.
func (c *caller) begin(v view, rerun bool) (done *view, doubt, err error) {
	if err := c.s.AdmitWrite(context.Background(), c.o.path); err != nil {
		return nil, nil, err
	}
	next := c.o.next(v, c.Name, session.ID(c.s.ID()), rerun)
	results, err := c.s.Txn(context.Background(), // which ends with the session
		core.CheckOp(c.Path(), core.AnyVersion), core.SetOp(c.o.path, next.encode(), v.stat.Version))
	op, refused := core.RefusedOp(err)
	switch {
	case err == nil:
		return &view{record: next, stat: results[1].Stat}, nil, nil
	case core.InDoubt(err):
		return nil, err, nil
	case errors.Is(err, core.ErrBadVersion):
		return nil, nil, nil
	case refused && op == 0 && errors.Is(err, core.ErrNoNode):
		return nil, nil, core.ErrDeleted
	}
	return nil, nil, err
}

// hold begins the hold of a run that the record names. If ctx has ended, it
// takes the run back.
func (c *caller) hold(ctx context.Context, v view, before []byte) (*Run, error) {
	h, err := c.Hold(context.Background(), v.stat.Mzxid) // which ends with the session
	if err != nil {
		return nil, err
	}
	r := newRun(c, h, v)
	if err := ctx.Err(); err != nil {
		if taken := r.end(before); taken != nil {
			return nil, fmt.Errorf("%w; the run was recorded and could not be taken back: %w", err, taken)
		}
		return nil, err
	}
	return r, nil
}

// await waits until the znode of the run under way is gone or written to. It
// returns core.ErrDeleted if the call's own znode is gone first. The caller
// then makes another one at once: the leader stamps it with a time that is
// close to the time of the call.
func (c *caller) await(ctx context.Context, path string) error {
	if !c.watched {
		if _, err := c.Watch(ctx); err != nil {
			return err
		}
		c.watched = true
	}
	run, watch, err := c.s.SeeW(ctx, path)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return nil
	case err != nil:
		return err
	}
	defer watch.Stop()
	select {
	case <-watch.Done(): // gone, or written to: the next read shows which
	case <-c.Gone():
	case <-ctx.Done():
	case <-c.s.Done():
	}
	if err := ctx.Err(); err != nil {
		if core.Lasting(run.Stat) {
			err = fmt.Errorf("%w: %w", core.ErrNotEphemeral, err)
		}
		return fmt.Errorf("waiting for the run of %s: %w", path, err)
	}
	if err := c.s.Err(); err != nil {
		return fmt.Errorf("waiting for the run of %s: %w", path, err)
	}
	select {
	case <-c.Gone():
		return core.ErrDeleted
	default:
		return nil
	}
}
