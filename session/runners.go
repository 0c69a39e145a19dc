package session

// The client's calls take no context, so each runs on a goroutine of its own
// that nobody has to wait for. To start one for every request costs more than
// what it does: its stack grows anew each time. So a few are kept.

// keptRunners is how many goroutines a session keeps waiting for requests.
const keptRunners = 4

// run has f run on another goroutine, at once. f must return soon after the
// session has ended.
func (s *Session) run(f func()) {
	select {
	case s.work <- f:
	default:
		go s.runner(f)
	}
}

// runner runs f, and what comes after it if it is one of those that are kept.
func (s *Session) runner(f func()) {
	f()
	if s.runners.Add(1) > keptRunners {
		s.runners.Add(-1)
		return
	}
	for {
		select {
		case f = <-s.work:
			f()
		case <-s.ctx.Done():
			return
		}
	}
}
