package scenarios

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/recipes_test/ensemble"
)

// shift records which member works on which partition. It fails the test if two
// members do, or if a token does not grow.
type shift struct {
	tb testing.TB

	mu     sync.Mutex
	owners map[int]*groupmembership.Partition
	by     map[int]string
	tokens map[int]int64
}

// work makes p a member until stop is called.
func (s *shift) work(p *process, id string, partitions int) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = groupmembership.NewPartitioner(p.Manager, "/consumers", partitions).Run(ctx, id,
			func(ctx context.Context, part *groupmembership.Partition) error {
				s.begin(id, part)
				<-ctx.Done()
				s.end(part)
				return ctx.Err()
			})
	}()
	return sync.OnceFunc(func() {
		cancel()
		<-done
		if !errors.Is(err, context.Canceled) {
			s.tb.Errorf("%s: %v", id, err)
		}
	})
}

func (s *shift) begin(id string, part *groupmembership.Partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.owners[part.Number]; other != nil && other.Err() == nil && part.Err() == nil {
		s.tb.Errorf("partition %d is worked on by %s and %s", part.Number, s.by[part.Number], id)
	}
	if part.Token() <= s.tokens[part.Number] {
		s.tb.Errorf("partition %d: token %d after %d", part.Number, part.Token(), s.tokens[part.Number])
	}
	s.owners[part.Number], s.by[part.Number], s.tokens[part.Number] = part, id, part.Token()
}

func (s *shift) end(part *groupmembership.Partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owners[part.Number] == part {
		delete(s.owners, part.Number)
	}
}

// share returns the number of partitions of each member, and the sum.
func (s *shift) share() (shares map[string]int, total int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	shares = make(map[string]int)
	for number := range s.owners {
		shares[s.by[number]]++
	}
	return shares, len(s.owners)
}

// TestPartitionerThroughFaults divides partitions while servers are killed one
// after the other. Members join and leave, and one is cut off.
func TestPartitionerThroughFaults(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	const partitions = 8
	s := &shift{tb: t, owners: make(map[int]*groupmembership.Partition), by: make(map[int]string), tokens: make(map[int]int64)}
	settled := func(what string, ids ...string) {
		t.Helper()
		ensemble.Eventually(t, patience, what, func() bool {
			shares, total := s.share()
			for _, id := range ids {
				if n := shares[id]; n < partitions/len(ids) || n > (partitions+len(ids)-1)/len(ids) {
					return false
				}
			}
			return total == partitions
		})
	}
	stops := make(map[string]func())
	cut := start(t, e, brief)
	stops["m0"] = s.work(cut, "m0", partitions)
	for i := 1; i < 3; i++ {
		id := "m" + strconv.Itoa(i)
		stops[id] = s.work(start(t, e, lasting), id, partitions)
	}
	defer func() {
		for _, stop := range stops {
			stop()
		}
	}()
	settled("three share", "m0", "m1", "m2")
	for i, server := range e.Servers() {
		server.Kill()
		guest := "guest" + strconv.Itoa(i)
		stop := s.work(start(t, e, lasting), guest, partitions)
		settled("four share while a server is down", "m0", "m1", "m2", guest)
		stop()
		settled("three share again", "m0", "m1", "m2")
		server.Restart()
		require.NoError(t, e.WaitQuorum(within(t, patience)))
	}
	cut.proxy.CutAll(ensemble.Both)
	settled("two have the partitions of the member that is cut off", "m1", "m2")
	cut.proxy.HealAll()
	settled("it is back", "m0", "m1", "m2")

	owners, err := groupmembership.NewPartitioner(observer(t, e), "/consumers", partitions).Owners(within(t, patience))
	require.NoError(t, err)
	for _, owner := range owners {
		require.Contains(t, []string{"m0", "m1", "m2"}, owner.ID)
	}
}
