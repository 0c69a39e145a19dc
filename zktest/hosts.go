package zktest

import "sync"

// Hosts is a HostProvider for go-zookeeper that resolves no names. The client's
// own provider asks the DNS, which is outside of a synctest bubble. Hosts
// returns the servers given to zk.Connect, in turn:
//
//	zk.Connect([]string{s.Addr()}, timeout, zk.WithDialer(s.Dial), zk.WithHostProvider(new(zktest.Hosts)))
//
// Each client needs its own. The zero value is ready for use.
type Hosts struct {
	mu      sync.Mutex
	servers []string
	next    int // the index that Next returns next
	good    int // the last one that answered
}

// Init takes the servers.
func (h *Hosts) Init(servers []string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.servers = append([]string(nil), servers...)
	h.next, h.good = 0, -1
	return nil
}

// Len returns the number of servers.
func (h *Hosts) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.servers)
}

// Next returns the next server, and whether all have been tried since the last
// one that answered: the client pauses then.
func (h *Hosts) Next() (server string, retryStart bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := h.next
	h.next = (i + 1) % len(h.servers)
	retryStart = i == h.good
	if h.good < 0 {
		h.good = 0
	}
	return h.servers[i], retryStart
}

// Connected notes that the server that Next returned last has answered.
func (h *Hosts) Connected() {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := len(h.servers)
	h.good = (h.next + n - 1) % n
}
