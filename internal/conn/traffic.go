package conn

// Traffic is how large the requests of a connection were. It tells a server that closes
// the connection on a large request from a server that is unreachable.
type Traffic struct {
	Answered bool // the server has answered a request
	Taken    int  // the size in bytes of the largest that it has answered
	Lost     int  // of the largest that it has not
}

// Traffic returns what became of the requests that a closed connection has written.
func (c *Conn) Traffic() Traffic {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.traffic
}
