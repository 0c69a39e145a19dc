package model

// free returns the place of the next request, or -1.
func (s *trustState) free(pipeline int) int {
	for i := range pipeline {
		if s.requests[i].kind == none {
			return i
		}
	}
	return -1
}

// remember notes an answered request. If there is no room, the newest is
// replaced: a client may always know less.
func (s *trustState) remember(e trustExchange, room int) {
	for i := range s.heard {
		switch {
		case i == room-1, s.heard[i] == noExchange:
			s.heard[i] = e
			return
		case s.heard[i].answered == 0 && !s.heard[i].always: // of the same time: the last is kept
			s.heard[i] = e
			return
		}
	}
}

// forget drops what no later proof uses, so that equal situations are equal
// states: the requests before the newest that every outstanding and later proof
// may use, and those that are too old to move a deadline.
func (s *trustState) forget() {
	oldest := int8(0) // the age of the oldest outstanding request
	for _, r := range s.requests {
		if r.kind != none {
			oldest = max(oldest, r.age)
		}
	}
	first := 0
	for i, e := range s.heard {
		if e != noExchange && !e.always && e.answered > oldest+halfTick {
			first = i
		}
	}
	for first > 0 {
		copy(s.heard[:], s.heard[1:])
		s.heard[len(s.heard)-1] = noExchange
		first--
	}
	for s.heard[0] != noExchange && s.heard[0].written >= afterReport && (s.heard[1] != noExchange || !s.heard[0].always) {
		copy(s.heard[:], s.heard[1:])
		s.heard[len(s.heard)-1] = noExchange
	}
	if e := &s.heard[0]; e.always {
		e.answered = 0
	}
}
