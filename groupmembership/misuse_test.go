package groupmembership_test

import (
	"testing"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
)

func TestFault59_Misuse(t *testing.T) {
	testworld.Misuse(t,
		groupmembership.NewGroup, groupmembership.NewPartitioner, groupmembership.Diff,
		groupmembership.Pause, groupmembership.Limit, groupmembership.MaxBytes, groupmembership.Refuse, groupmembership.Replace,
		groupmembership.GroupOptions, groupmembership.Payload, groupmembership.OnJoin, groupmembership.OnProblem,
		groupmembership.OnPartitionEnd,
		groupmembership.Settle,
		new(groupmembership.Group), groupmembership.NewGroup(nil, "/a"), new(groupmembership.Membership),
		new(groupmembership.Partitioner), groupmembership.NewPartitioner(nil, "/a", 1), new(groupmembership.Partition),
		new(groupmembership.EventKind), new(groupmembership.Change),
	)
}
