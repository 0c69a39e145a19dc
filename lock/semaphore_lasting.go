package lock

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/docent-go/docent/internal/base/oneline"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// A wait for permits looks at the leases of others, so that its error can name
// their owners. A lease may not be ephemeral, if it was made by hand or by another
// program. The end of no session gives its permit back.
const (
	// lookLate is how long a candidate waits on one list of leases before it
	// looks at them.
	lookLate = time.Second
	// maxLooks bounds how many leases it looks at.
	maxLooks = 64
)

// others returns the paths of the leases of others in a list, in their order.
func (c *candidate) others(list leases) []string {
	number := func(name string) znode.Seq {
		n, _ := znode.ParseSeq(name, leaseTag)
		return n
	}
	var names []string
	for _, name := range list.names {
		if _, ok := znode.ParseSeq(name, leaseTag); ok && !c.own[name] {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(number(a)-number(b), 0) })
	for i, name := range names {
		names[i] = znode.Join(c.dir, name)
	}
	return names
}

// lookAtOthers notes whose the first of a list's leases are, and which of them are
// lasting. Only the first waiter looks, so a semaphore costs a few reads, however
// many wait.
func (c *candidate) lookAtOthers(ctx context.Context, list leases) {
	paths := c.others(list)
	seen, err := c.s.SeeOwners(ctx, paths[:min(maxLooks, len(paths))])
	if err != nil {
		return // the wait goes on, and its reason stays unknown
	}
	c.lasting, c.holders = nil, ""
	for i, lease := range seen {
		if lease == nil { // released meanwhile
			continue
		}
		if core.Lasting(lease.Stat) {
			c.lasting = append(c.lasting, paths[i])
		}
		if c.holders == "" {
			c.holders = andMore(whose(paths[i], lease.Data), len(paths)-i-1)
		}
	}
}

// andMore adds to the description of a lease how many others there are.
func andMore(lease string, more int) string {
	if more == 0 {
		return lease
	}
	return fmt.Sprintf("%s and %d more", lease, more)
}

// noPermits returns err, and adds the owner of the first lease if others have too
// many.
func (c *candidate) noPermits(ctx context.Context, err error) error {
	paths := c.others(c.taken)
	if len(paths) == 0 {
		return err
	}
	first := paths[0]
	if lease, unread := c.s.See(ctx, first); unread == nil {
		first = whose(first, lease.Data)
	}
	return fmt.Errorf("%w: %s", err, andMore(first, len(paths)-1))
}

// waitingFor returns err, with which a wait for permits has ended. It names the
// lasting leases, or the owner of another lease.
func (c *candidate) waitingFor(err error) error {
	switch {
	case len(c.lasting) == 0 && c.holders == "":
		return err
	case len(c.lasting) == 0:
		return fmt.Errorf("waiting for permits of %s: %w", c.holders, err)
	}
	return fmt.Errorf("waiting for permits that %s keep: %w: %w", oneline.Names(c.lasting), core.ErrNotEphemeral, err)
}
