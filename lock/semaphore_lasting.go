package lock

import (
	"context"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/base/oneline"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// A lease may not be ephemeral, if it was made by hand or by another program. The
// end of no session gives its permit back. A wait looks for such leases, so that
// its error can name them.
const (
	// lookLate is how long a candidate waits on one list of leases before it
	// looks which of them are lasting.
	lookLate = time.Second
	// maxLooks bounds how many leases it looks at.
	maxLooks = 64
)

// lookAtOthers notes the lasting leases among the first of a list. Only the first
// waiter looks, so a semaphore costs a few reads, however many wait.
func (c *candidate) lookAtOthers(ctx context.Context, list leases) {
	var paths []string
	for _, name := range list.names {
		if _, ok := znode.ParseSeq(name, leaseTag); ok && !c.own[name] && len(paths) < maxLooks {
			paths = append(paths, znode.Join(c.dir, name))
		}
	}
	seen, err := c.s.SeeOwners(ctx, paths)
	if err != nil {
		return // the wait goes on, and its reason stays unknown
	}
	c.lasting = nil
	for i, lease := range seen {
		if lease != nil && core.Lasting(lease.Stat) {
			c.lasting = append(c.lasting, paths[i])
		}
	}
}

// waitingFor returns err, with which a wait for permits has ended. It names the
// lasting leases.
func (c *candidate) waitingFor(err error) error {
	if len(c.lasting) == 0 {
		return err
	}
	return fmt.Errorf("waiting for permits that %s keep: %w: %w", oneline.Names(c.lasting), core.ErrNotEphemeral, err)
}
