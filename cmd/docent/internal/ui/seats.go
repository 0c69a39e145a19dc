package ui

import "sync"

// seats counts the viewers, so that one of them cannot shut the others out.
type seats struct {
	limits limits

	mu        sync.Mutex
	all       int
	byAddress map[string]int
	bySession map[string]int
}

func newSeats(limits limits) *seats {
	return &seats{limits: limits, byAddress: make(map[string]int), bySession: make(map[string]int)}
}

// take counts a viewer in, if there is room for it.
func (s *seats) take(v viewer) (leave func(), ok bool) {
	session := v.session + " " + v.address
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= s.limits.viewers || s.byAddress[v.address] >= s.limits.perAddress || s.bySession[session] >= s.limits.perSession {
		return nil, false
	}
	s.all++
	s.byAddress[v.address]++
	s.bySession[session]++
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all--
		less(s.byAddress, v.address)
		less(s.bySession, session)
	}), true
}

func less(counts map[string]int, key string) {
	if counts[key]--; counts[key] == 0 {
		delete(counts, key)
	}
}
