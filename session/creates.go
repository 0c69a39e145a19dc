package session

import "sync"

// creates are the creates of protected nodes that are under way, by their full
// paths, which no other create shares: a random part makes each its own. They
// are where conn leaves what it learns of a create before the client has the
// answer.
type creates struct {
	mu   sync.Mutex
	made map[string]*underway
}

// underway is one create.
type underway struct {
	written chan struct{} // closed when it has gone out
	once    sync.Once

	// withStat asks the server for the node's stat. The client knows no such
	// request, so conn makes one of its create.
	withStat bool
	czxid    int64 // from the answer; 0 until then, and without withStat
}

// expect is called before the create is handed to the client.
func (c *creates) expect(abs string, withStat bool) *underway {
	u := &underway{written: make(chan struct{}), withStat: withStat}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made == nil {
		c.made = make(map[string]*underway)
	}
	c.made[abs] = u
	return u
}

func (c *creates) find(abs string) *underway {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.made[abs]
}

// forget is called once the client has answered.
func (c *creates) forget(abs string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.made, abs)
}

func (u *underway) announce() { u.once.Do(func() { close(u.written) }) }
