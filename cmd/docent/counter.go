package main

import (
	"context"
	"errors"

	"github.com/docent-go/docent/counter"
)

// counterCommand is "docent counter".
type counterCommand struct {
	Get counterGet `cmd:"" help:"Print a counter's number."`
	Add counterAdd `cmd:"" help:"Add to a counter, and print the new number."`
	Set counterSet `cmd:"" help:"Write a counter's number."`
}

// counterAt are the flags of every command on a counter.
type counterAt struct {
	Path   string `arg:"" name:"PATH" help:"The counter, as an absolute path."`
	Layout string `enum:"int64,int32,decimal" default:"int64" help:"Format of the number: int64 (Curator's DistributedAtomicLong), int32 (DistributedAtomicInteger, SharedCount) or decimal (kazoo)."`
}

// formats are the values of --layout.
var formats = map[string]counter.Format{"int64": counter.Int64, "int32": counter.Int32, "decimal": counter.Decimal}

// counterJSON is the state of a counter.
type counterJSON struct {
	Path   string `json:"path"`
	Value  int64  `json:"value"`
	Exists bool   `json:"exists"`
	Zxid   int64  `json:"zxid,omitempty"`
	Time   string `json:"time,omitempty"`
}

// with connects, runs f within --connect-timeout, and prints its result. n is
// the number that f adds or writes.
func (c *counterAt) with(ctx context.Context, a *app, task string, n int64,
	f func(context.Context, *counter.Counter) (counterJSON, error)) error {
	task = "counter " + task + " " + c.Path
	if err := withTask(task, checkPath(c.Path)); err != nil {
		return err
	}
	if c.Layout == "int32" && n != int64(int32(n)) {
		return usagef("%s: %d does not fit in 32 bits, which --layout int32 has; give a smaller number", task, n)
	}
	sm, err := a.connect(ctx)
	if err != nil {
		return withTask(task, err)
	}
	layout := counter.Layout(formats[c.Layout])
	var result counterJSON
	err = a.once(ctx, func(ctx context.Context) (err error) {
		result, err = f(ctx, counter.New(sm, c.Path, layout))
		return err
	})
	switch {
	case err != nil:
	case a.globals.JSON:
		result.Path = c.Path
		err = a.printJSON(result)
	default:
		err = a.printf("%d\n", result.Value)
	}
	if err == nil && !result.Exists {
		err = missing(c.Path)
	}
	return errors.Join(withTask(task, err), sm.Close())
}

// counterGet is "docent counter get".
type counterGet struct{ counterAt }

// Help is shown by "docent counter get --help".
func (counterGet) Help() string {
	return `A counter begins with its first add or set. Before, get prints 0, and the exit code is 1; --json says whether the counter exists.`
}

// Run prints the number.
func (c *counterGet) Run(ctx context.Context, a *app) error {
	return c.with(ctx, a, "get", 0, func(ctx context.Context, n *counter.Counter) (counterJSON, error) {
		v, err := n.Get(ctx)
		result := counterJSON{Value: v.N, Exists: v.Exists, Zxid: v.Zxid}
		if v.Exists {
			result.Time = timestamp(v.ModTime)
		}
		return result, err
	})
}

// counterAdd is "docent counter add".
type counterAdd struct {
	counterAt
	N int64 `arg:"" name:"N" optional:"" default:"1" help:"The number to add. A negative number goes after --."`
}

// Run adds to the counter.
func (c *counterAdd) Run(ctx context.Context, a *app) error {
	return c.with(ctx, a, "add", c.N, func(ctx context.Context, n *counter.Counter) (counterJSON, error) {
		now, err := n.Add(ctx, c.N)
		return counterJSON{Value: now, Exists: true}, err
	})
}

// counterSet is "docent counter set".
type counterSet struct {
	counterAt
	N int64 `arg:"" name:"N" help:"The new number. A negative number goes after --."`
}

// Run writes the counter.
func (c *counterSet) Run(ctx context.Context, a *app) error {
	return c.with(ctx, a, "set", c.N, func(ctx context.Context, n *counter.Counter) (counterJSON, error) {
		return counterJSON{Value: c.N, Exists: true}, n.Set(ctx, c.N)
	})
}
