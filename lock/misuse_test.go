package lock_test

import (
	"testing"

	"github.com/docent-go/docent/internal/testworld"
	"github.com/docent-go/docent/lock"
)

func TestFault59_Misuse(t *testing.T) {
	testworld.Misuse(t,
		lock.New, lock.NewRWMutex, lock.NewExclusive, lock.NewSemaphore, lock.NewMulti, lock.NewOnce, lock.Revoke,
		lock.Slack, lock.WaitForRun, lock.RerunLost, lock.RerunFailed,
		lock.Handoff, lock.ID, lock.Revocable, lock.Under, lock.Permits, lock.SharedPermits,
		new(lock.Mutex), new(lock.RWMutex), new(lock.Exclusive), new(lock.Semaphore), new(lock.Multi), new(lock.Once), new(lock.Run), new(lock.NotDueError),
		new(lock.Hold), new(lock.WriteHold), new(lock.Permit), new(lock.MultiHold), new(lock.Bundle),
		lock.New(nil, "/a"), lock.New(nil, "/a", lock.Handoff(1)), lock.NewRWMutex(nil, "/a"), lock.NewExclusive(nil, "/a"),
		lock.NewSemaphore(nil, "/a", lock.Permits(1)), lock.NewSemaphore(nil, "/a", lock.SharedPermits("/b", 1)),
		lock.NewMulti(lock.New(nil, "/a")), lock.NewMulti(),
		lock.NewOnce(nil, "/a", 1), lock.NewOnce(nil, "/a", 1<<40),
	)
}
