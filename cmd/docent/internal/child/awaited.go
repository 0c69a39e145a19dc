package child

import (
	"os/exec"
	"sync"
)

// awaited are the commands that Run waits for.
var awaited = awaitedSet{pids: make(map[int]bool), news: make(chan struct{}, 1)}

// awaitedSet is a set of process ids.
type awaitedSet struct {
	// mu is held while a command is started. So a goroutine with mu never sees a
	// command that was forked and is not in the set.
	mu   sync.Mutex
	pids map[int]bool
	// news has an element after a command has left the set.
	news chan struct{}
}

// start starts a command and adds it.
func (s *awaitedSet) start(cmd *exec.Cmd) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := cmd.Start()
	if err == nil {
		s.pids[cmd.Process.Pid] = true
	}
	return err
}

// ended removes a command that was waited for.
func (s *awaitedSet) ended(pid int) {
	s.mu.Lock()
	delete(s.pids, pid)
	s.mu.Unlock()
	select {
	case s.news <- struct{}{}:
	default:
	}
}
