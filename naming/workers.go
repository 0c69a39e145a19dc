package naming

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/ctxend"
	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/oneline"
	"github.com/docent-go/docent/internal/onenode"
	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/session"
)

// ErrExhausted is returned by Workers.Acquire when all numbers are taken.
var ErrExhausted = errors.New("all worker ids are taken")

// Workers gives each process a small number of its own, from 0 up to a
// maximum, for ids of the snowflake kind that have a few bits for it.
//
// The number n is the ephemeral node <path>/<n>; whoever has made it has the
// number. The node holds the name of its holder. A name is remembered in a
// persistent node <path>/names/<name>, which holds its number in decimal. What
// else lies in the directory is ignored. A node in the place of a memory that holds no
// number, or that a session owns, is left as it is: the name is not remembered then. It is safe for concurrent use and
// keeps nothing of a single acquisition.
type Workers struct {
	sm   *core.Manager
	path string
	max  int
	err  error
}

// NewWorkers returns the numbers 0 to max-1 at path. It does no I/O. A path
// that cannot be used, and a max below 1, are reported by Acquire. All
// processes should have the same max: one with a greater one takes greater
// numbers.
func NewWorkers(sm *session.Manager, path string, max int) *Workers {
	w := &Workers{sm: bridge.Core(sm), path: path, max: max, err: znode.Validate(path)}
	if w.err == nil && max < 1 {
		w.err = fmt.Errorf("the number of worker ids (%d) is not positive", max)
	}
	return w
}

// WorkerID is a number that this process has for as long as its Context lasts:
// that ends before anybody else can have the number. Whoever makes ids with it
// looks at the Context before each, or at each batch; a process that is paused
// in between finds out when it goes on, as with every hold.
//
// What a number is combined with is the holder's own affair. An id of the
// snowflake kind has the time in it: after Release the next holder may come at
// once, and repeats an id if its clock is behind that of the last. Hold on to the number
// for as long as clocks may differ after the last id was made.
type WorkerID struct {
	session.Hold
	id int
}

// ID returns the number.
func (w *WorkerID) ID() int {
	misuse.ZeroValue(w == nil || w.Hold == session.Hold{}, "or nil naming.WorkerID", "Workers.Acquire")
	return w.id
}

// Acquire takes a number that nobody has: the one that the same name had last,
// if it is free, else the lowest, or, where many come at once, any. An empty
// name has no memory. It does not wait for a number to become free.
//
// It costs a list, a create and a read, whatever the number of those taken;
// with a name also a read, and two writes when the number is another than the
// last. A process that crashed has its number until its session expires.
//
// ctx bounds the call, not the hold. Errors, in a *session.OpError:
// ErrExhausted; a name that cannot be the name of a node; ctx's;
// session.ErrClosed; what a server answers, such as session.ErrNoAuth. No
// number is taken when it fails.
func (w *Workers) Acquire(ctx context.Context, name string) (*WorkerID, error) {
	misuse.If(w == nil || w.sm == nil, "Workers without a Manager are used: get them from naming.NewWorkers, with the Manager of core.Dial")
	err := w.err
	if err == nil && name != "" {
		err = znode.ValidateName(name)
	}
	if err != nil {
		return nil, failed("take a worker id at", w.path, err)
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
	return nil, failed("take a worker id at", w.path, ctxend.Join(ctx, err))
}

// acquire takes a number. Where others are faster it goes on with any that was
// free, so that many who come at once do not meet again and again.
func (w *Workers) acquire(ctx context.Context, name string, last int) (*WorkerID, error) {
	for {
		free, err := w.free(ctx)
		if err != nil {
			return nil, err
		}
		if len(free) == 0 {
			return nil, fmt.Errorf("%w: %d of %d", ErrExhausted, w.max, w.max)
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
			case !errors.Is(err, line.ErrTaken) && !errors.Is(err, onenode.ErrNotEphemeral):
				return nil, err
			}
			free = append(free[:next], free[next+1:]...)
			if len(free) > 0 {
				next = rand.IntN(len(free))
			}
		}
	}
}

// free lists the numbers that nobody has, in order.
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

// memory is what is known of the number that a name had.
type memory struct {
	id      int  // -1 if it had none
	foreign bool // the node that would tell is somebody else's
}

// last is the number that the name had.
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

// remember notes the number that the name has now. Of two processes with one
// name the last to come is remembered.
func (w *Workers) remember(ctx context.Context, name string, n int, last memory) error {
	if name == "" || n == last.id || last.foreign {
		return nil
	}
	path, data := w.memory(name), []byte(strconv.Itoa(n))
	for {
		_, err := w.sm.Set(ctx, path, data, core.AnyVersion)
		if errors.Is(err, core.ErrNoNode) {
			if err = w.sm.CreateOnce(ctx, path, data); errors.Is(err, core.ErrNoNode) {
				dir, _ := znode.Split(path)
				if err = w.sm.EnsureDir(ctx, dir); err == nil {
					continue
				}
			}
			if errors.Is(err, core.ErrNodeExists) && !errors.Is(err, core.ErrUnknownOutcome) {
				continue
			}
		}
		switch {
		case errors.Is(err, core.ErrUnknownOutcome) && transient(ctx, err):
			return nil // a later one's number may be there already; what is lost is a preference
		case !transient(ctx, err):
			return err
		}
	}
}
