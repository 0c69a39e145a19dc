package naming

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/oneline"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/onenode"
	"github.com/docent-go/docent/internal/recipe/waitqueue"
	"github.com/docent-go/docent/session"
)

// ErrNoWorkerID is returned by Workers.Acquire if all numbers are taken.
var ErrNoWorkerID = errors.New("all worker ids are taken")

// Workers gives each process a small number of its own, from 0 up to a maximum.
// It is for ids of the snowflake kind, which have a few bits for such a number.
//
// The number n is the ephemeral znode <path>/<n>: the process that has created
// it has the number. The znode holds the name of its holder. A name is
// remembered in a persistent znode <path>/names/<name>, which holds its number
// in decimal. Other znodes in the directory are ignored. If the znode of a
// memory does not hold a number, or a session owns it, it is left as it is, and
// the name is not remembered. A Workers is safe for concurrent use and keeps no
// state of an acquisition.
type Workers struct {
	sm   *core.Manager
	path string
	max  int
	err  error
}

// NewWorkers returns the numbers 0 to max-1 at path. It does no I/O. If the
// path cannot be used, or max is below 1, Acquire returns the error. All
// processes should have the same max: a process with a greater one takes
// greater numbers.
func NewWorkers(sm *session.Manager, path string, max int) *Workers {
	w := &Workers{sm: bridge.Core(sm), path: path, max: max, err: znode.Validate(path)}
	if w.err == nil && max < 1 {
		w.err = fmt.Errorf("the number of worker ids (%d) must be positive", max)
	}
	return w
}

// WorkerID is a number that this process has for as long as its Context lasts.
// The Context ends before another process can have the number. A program that
// makes ids with the number checks the Context before each id, or each batch. A
// process that is paused in between notices when it goes on, as with every
// hold.
//
// The number alone does not make an id unique: that depends on the rest of the
// id. An id of the snowflake kind contains the time. After Release the next
// holder may come at once, and repeats an id if its clock is slower than the
// last holder's. So after the last id was made, hold the number for as long as
// clocks may differ.
type WorkerID struct {
	session.Hold
	id int
}

// ID returns the number.
func (w *WorkerID) ID() int {
	misuse.ZeroValue(w == nil || w.Hold == session.Hold{}, "or nil naming.WorkerID", "Workers.Acquire")
	return w.id
}

// Acquire takes a free number. It prefers the last number of the same name, and
// then the lowest. If many processes come at once, it may take any. An empty
// name is not remembered. Acquire does not wait for a number to become free.
//
// It costs a list, a create and a read, whatever the number of those taken.
// With a name it also costs a read, and two writes if the number is not the
// last one. A process that crashed has its number until its session expires. A
// number that this session is giving up is waited for if it is the last number
// of the name, or no other is free.
//
// ctx bounds the call, not the hold. Errors, in a *session.OpError:
// ErrNoWorkerID; a name that cannot be the name of a znode; ctx's;
// session.ErrClosed; what the server answers, such as session.ErrNoAuth. If
// Acquire fails, no number is taken.
func (w *Workers) Acquire(ctx context.Context, name string) (*WorkerID, error) {
	misuse.If(w == nil || w.sm == nil, "Workers without a Manager are used: get them from naming.NewWorkers, with the Manager of session.Dial")
	err := w.err
	if err == nil && name != "" {
		err = znode.ValidateName(name)
	}
	if err != nil {
		return nil, core.Failed("acquire worker id", w.path, err)
	}
	last, err := w.last(ctx, name)
	if err == nil {
		var id *WorkerID
		if id, err = w.acquire(ctx, name, last.id); err == nil {
			if err = w.remember(ctx, name, id.id, last); err == nil {
				return id, nil
			}
			err = oneline.Join(err, id.Release())
		}
	}
	return nil, core.Failed("acquire worker id", w.path, ctxend.Join(ctx, err))
}

// acquire takes a number. If another process is faster, it goes on with a
// random one of the free numbers, so that many processes do not collide again
// and again.
func (w *Workers) acquire(ctx context.Context, name string, last int) (*WorkerID, error) {
	for {
		s, err := w.sm.Session(ctx)
		if err != nil {
			return nil, err
		}
		leaving := s.Leaving(w.path) // asked before the list: what it shows may have gone then
		free, err := w.free(ctx)
		if err != nil {
			return nil, err
		}
		// A number that is being given up is not free for this session, whether or
		// not the list still shows it.
		free = slices.DeleteFunc(free, func(n int) bool { return leaving[strconv.Itoa(n)] != nil })
		if own := w.own(leaving, last, len(free) == 0); own != nil {
			select {
			case <-own:
				continue
			case <-s.Done():
				continue
			case <-ctx.Done():
				return nil, ctxend.Err(ctx)
			}
		}
		if len(free) == 0 {
			return nil, fmt.Errorf("%w: %d of %d", ErrNoWorkerID, w.max, w.max)
		}
		next := 0
		for i, n := range free {
			if n == last {
				next = i
			}
		}
		for len(free) > 0 {
			n := free[next]
			node := onenode.New(onenode.Config{Manager: w.sm, Path: w.number(n), Data: []byte(name)})
			hold, err := node.Try(ctx)
			switch {
			case err == nil:
				return &WorkerID{bridge.Hold(hold), n}, nil
			case !errors.Is(err, waitqueue.ErrTaken) && !errors.Is(err, core.ErrNotEphemeral):
				return nil, err
			}
			free = append(free[:next], free[next+1:]...)
			if len(free) > 0 {
				next = rand.IntN(len(free))
			}
		}
	}
}

// own returns the end of the removal of a number that this session is giving
// up: of the last number, or of any. It returns nil if the session gives up no
// such number.
func (w *Workers) own(leaving map[string]<-chan struct{}, last int, any bool) <-chan struct{} {
	if over := leaving[strconv.Itoa(last)]; over != nil || !any {
		return over
	}
	for n := range w.max {
		if over := leaving[strconv.Itoa(n)]; over != nil {
			return over
		}
	}
	return nil
}

// free lists the numbers that are not taken, in order.
func (w *Workers) free(ctx context.Context) ([]int, error) {
	children, _, err := w.sm.Children(ctx, w.path)
	if err != nil && !errors.Is(err, core.ErrNoNode) {
		return nil, err
	}
	taken := make(map[int]bool, len(children))
	for _, child := range children {
		if n, err := strconv.Atoi(child); err == nil && strconv.Itoa(n) == child {
			taken[n] = true
		}
	}
	var free []int
	for n := range w.max {
		if !taken[n] {
			free = append(free, n)
		}
	}
	return free, nil
}

func (w *Workers) number(n int) string { return znode.Join(w.path, strconv.Itoa(n)) }

func (w *Workers) memory(name string) string {
	return znode.Join(znode.Join(w.path, "names"), name)
}

// memory is the remembered number of a name.
type memory struct {
	id      int  // -1 without a memory
	foreign bool // the znode of the memory belongs to another program
}

// last returns the last number of the name.
func (w *Workers) last(ctx context.Context, name string) (memory, error) {
	none := memory{id: -1}
	if name == "" {
		return none, nil
	}
	data, stat, err := w.sm.Get(ctx, w.memory(name))
	if errors.Is(err, core.ErrNoNode) {
		return none, nil
	}
	n, bad := strconv.Atoi(string(data))
	if bad != nil || stat.EphemeralOwner != 0 {
		return memory{id: -1, foreign: err == nil && (len(data) > 0 || stat.EphemeralOwner != 0 || stat.Cversion != 0)}, err
	}
	return memory{id: n}, err
}

// remember records the present number of the name. Of two processes with one
// name, the last to come is remembered.
func (w *Workers) remember(ctx context.Context, name string, n int, last memory) error {
	if name == "" || n == last.id || last.foreign {
		return nil
	}
	path, data := w.memory(name), []byte(strconv.Itoa(n))
	for {
		_, err := w.sm.Set(ctx, path, data, core.AnyVersion)
		if errors.Is(err, core.ErrNoNode) {
			_, err = w.sm.CreateWithParents(ctx, path, data)
			if errors.Is(err, core.ErrNodeExists) && !errors.Is(err, core.ErrUnknownOutcome) {
				continue
			}
		}
		switch {
		case errors.Is(err, core.ErrUnknownOutcome) && transient(ctx, err):
			return nil // a later number may be written already; only a preference is lost
		case !transient(ctx, err):
			return err
		}
	}
}
