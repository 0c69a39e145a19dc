package conn

// Traffic says how large the requests of a connection were. With it, a server
// that closes the connection because of a large request is told from a server
// that is unreachable.
type Traffic struct {
	Answered bool // the server has answered a request
	Taken    int  // the size in bytes of the largest request that it has answered
	Lost     int  // the size in bytes of the largest request without an answer
	// Unanswered is the number of calls that were written as a whole, and have
	// no answer that can be read.
	Unanswered int
}

// Traffic returns the traffic of a closed connection.
func (c *Conn) Traffic() Traffic {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.traffic
}
