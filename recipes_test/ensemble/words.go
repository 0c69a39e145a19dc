package ensemble

import (
	"fmt"
	"io"
	"net"
	"regexp"
	"time"
)

// wordTimeout bounds the answer to a four-letter word: a paused server accepts
// the connection and never answers.
const wordTimeout = time.Second

var modeLine = regexp.MustCompile(`(?m)^Mode: (\w+)$`)

// Word sends one of ZooKeeper's four-letter words (srvr, mntr, wchp, cons,
// dump, …) and returns the answer. A server that does not answer within a
// second is an error.
func (s *Server) Word(word string) (string, error) {
	conn, err := net.DialTimeout("tcp", s.addr, wordTimeout)
	if err != nil {
		return "", fmt.Errorf("%s to %s: %w", word, s.addr, err)
	}
	defer func() { _ = conn.Close() }() // the answer is complete or an error was returned
	if err := conn.SetDeadline(time.Now().Add(wordTimeout)); err != nil {
		return "", fmt.Errorf("%s to %s: %w", word, s.addr, err)
	}
	if _, err := io.WriteString(conn, word); err != nil {
		return "", fmt.Errorf("%s to %s: %w", word, s.addr, err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		return "", fmt.Errorf("answer of %s to %s: %w", s.addr, word, err)
	}
	return string(answer), nil
}

// Mode is the server's present mode: "leader", "follower" or "standalone";
// empty while it does not serve.
func (s *Server) Mode() string {
	if !s.running() {
		return ""
	}
	answer, err := s.Word("srvr")
	if err != nil {
		return "" // down, paused or not yet listening: it does not serve
	}
	if m := modeLine.FindStringSubmatch(answer); m != nil {
		return m[1]
	}
	return "" // "This ZooKeeper instance is not currently serving requests"
}
