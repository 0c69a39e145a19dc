package zktest

import (
	"encoding/binary"
	"io"
	"strconv"
)

// words answer the four-letter words, which health checks and tools send in
// place of a handshake. ZooKeeper has every word if its configuration has
// 4lw.commands.whitelist=*. The caller holds Server.mu.
var words = map[string]func(s *Server, c *conn) string{
	"conf": func(s *Server, _ *conn) string { return s.confWord() },
	"cons": func(s *Server, c *conn) string { return s.clientLines(c, (*conn).details) + "\n" },
	"crst": func(s *Server, _ *conn) string { return s.resetConnections() },
	"dirs": func(*Server, *conn) string { return "datadir_size: 0\nlogdir_size: 0\n" },
	"dump": func(s *Server, _ *conn) string { return s.dumpWord() },
	"envi": func(s *Server, _ *conn) string { return s.enviWord() },
	"gtmk": func(s *Server, _ *conn) string { return strconv.FormatInt(s.traceMask, 10) },
	"hash": func(*Server, *conn) string { return "" },
	"isro": func(*Server, *conn) string { return "rw" },
	"mntr": func(s *Server, _ *conn) string { return s.mntrWord() },
	"ruok": func(*Server, *conn) string { return "imok" },
	"srst": func(s *Server, _ *conn) string { return s.resetPackets() },
	"srvr": func(s *Server, _ *conn) string { return s.versionLine() + s.statLines() },
	"stat": func(s *Server, c *conn) string {
		return s.versionLine() + "Clients:\n" + s.clientLines(c, (*conn).summary) + "\n" + s.statLines()
	},
	"stmk": func(s *Server, _ *conn) string { return strconv.FormatInt(s.traceMask, 10) },
	"wchc": func(s *Server, _ *conn) string { return s.watchesBySession() },
	"wchp": func(s *Server, _ *conn) string { return s.watchesByPath() },
	"wchs": func(s *Server, _ *conn) string { return s.watchSummary() },
}

// defaultTrace is ZooKeeper's default trace mask. The server keeps and tells the
// mask; it traces nothing.
const defaultTrace = 306

// fourLetter answers a four-letter word, and reports whether head is one. The
// word stmk has an argument, which is read from r.
func (c *conn) fourLetter(head string, r io.Reader) bool {
	answer, known := words[head]
	if !known {
		return false
	}
	c.countReceived()
	s := c.s
	var mask [8]byte
	if head == "stmk" {
		if _, err := io.ReadFull(r, mask[:]); err != nil {
			return true // the connection has ended
		}
	}
	if !s.frozen.pass(s.done) {
		return true
	}
	s.mu.Lock()
	if head == "stmk" {
		s.traceMask = int64(binary.BigEndian.Uint64(mask[:]))
	}
	text := answer(s, c)
	s.mu.Unlock()
	c.out.push([]byte(text))
	return true
}
