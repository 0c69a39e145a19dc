package lock_test

import (
	"testing"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
)

func TestFault59_Misuse(t *testing.T) {
	testworld.Misuse(t,
		lock.NewMutex, lock.NewRWMutex, lock.NewOneNode, lock.NewSemaphore, lock.NewMulti, lock.NewOnce, lock.Revoke,
		lock.Slack, lock.WaitForRun, lock.RerunLost, lock.RerunFailed,
		lock.Handoff, lock.ID, lock.Revocable, lock.ParentSessions, lock.Permits, lock.SharedLimit,
		new(lock.Mutex), new(lock.RWMutex), new(lock.OneNode), new(lock.Semaphore), new(lock.Multi), new(lock.Once), new(lock.Run), new(lock.NotDueError),
		new(lock.Hold), new(lock.WriteHold), new(lock.Permit), new(lock.MultiHold), new(lock.Bundle),
		lock.NewMutex(nil, "/a"), lock.NewMutex(nil, "/a", lock.Handoff(1)), lock.NewRWMutex(nil, "/a"), lock.NewOneNode(nil, "/a"),
		lock.NewSemaphore(nil, "/a", lock.Permits(1)), lock.NewSemaphore(nil, "/a", lock.SharedLimit("/b", 1)),
		lock.NewMulti(lock.NewMutex(nil, "/a")), lock.NewMulti(),
		lock.NewOnce(nil, "/a", 1), lock.NewOnce(nil, "/a", 1<<40),
	)
}
