package child

import (
	"os"
	"os/signal"
	"syscall"
	"unsafe"
)

// ReapOrphans reaps the processes that the system makes children of this
// process, because their own parents have ended, until stop is called. It does
// so only in process 1 and in a child subreaper. Elsewhere it does nothing, and
// neither does stop. It leaves the commands of Run alone.
func ReapOrphans() (stop func()) {
	if os.Getpid() != 1 && !subreaper() {
		return func() {}
	}
	deaths := make(chan os.Signal, 1)
	signal.Notify(deaths, syscall.SIGCHLD)
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			for awaited.reapOne() {
			}
			select {
			case <-deaths:
			case <-awaited.news: // it may have hidden others: see zombie
			case <-quit:
				return
			}
		}
	}()
	return func() {
		signal.Stop(deaths)
		close(quit)
		<-ended
	}
}

// reapOne reaps one dead child that Run does not wait for. It reports whether
// there may be more.
func (s *awaitedSet) reapOne() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	pid := zombie()
	if pid == 0 || s.pids[pid] {
		return false
	}
	// A dead child keeps its id until it is reaped, and only this goroutine
	// reaps a child that is not in the set.
	got, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
	return err == syscall.EINTR || got == pid
}

// Constants of waitid and prctl.
const (
	pAll              = 0
	getChildSubreaper = 37
)

// zombie returns the id of a dead child without reaping it, or 0. It always
// returns the same one of several.
func zombie() int {
	var info [128 / 8]uint64 // siginfo_t
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, pAll, 0, uintptr(unsafe.Pointer(&info)),
			syscall.WEXITED|syscall.WNOHANG|syscall.WNOWAIT, 0, 0)
		if errno == syscall.EINTR {
			continue
		}
		if errno != 0 {
			return 0 // there are no children
		}
		// si_pid follows three ints, aligned as a pointer is.
		const offset = (3*4 + unsafe.Sizeof(uintptr(0)) - 1) / unsafe.Sizeof(uintptr(0)) * unsafe.Sizeof(uintptr(0))
		return int(*(*int32)(unsafe.Add(unsafe.Pointer(&info), offset)))
	}
}

// subreaper reports whether the system gives this process the orphans among its
// descendants.
func subreaper() bool {
	var set int32
	_, _, errno := syscall.Syscall6(syscall.SYS_PRCTL, getChildSubreaper, uintptr(unsafe.Pointer(&set)), 0, 0, 0, 0)
	return errno == 0 && set != 0
}
