package zktest

import "fmt"

// fourLetter answers the four-letter commands, which health checks send in
// place of a handshake. It reports whether head is such a command.
func (c *conn) fourLetter(head string) bool {
	var answer string
	switch head {
	case "ruok":
		answer = "imok"
	case "isro":
		answer = "rw"
	case "srvr":
		s := c.s
		s.mu.Lock()
		answer = fmt.Sprintf("Zookeeper version: 3.8.0-zktest\nConnections: %d\nZxid: 0x%x\nMode: standalone\nNode count: %d\n",
			len(s.conns), s.tree.zxid, len(s.tree.nodes))
		s.mu.Unlock()
	default:
		return false
	}
	if c.s.frozen.pass(c.s.done) {
		c.out.push([]byte(answer))
	}
	return true
}
