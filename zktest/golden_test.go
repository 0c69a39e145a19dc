package zktest_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// The frames of a real ZooKeeper 3.9 in which it differs from 3.8: the server
// answers with the same bytes if it plays 3.9, and with others if it plays 3.8.
// The head of the file says how it was recorded.
func TestFramesOfARealServer(t *testing.T) {
	text, err := os.ReadFile("testdata/frames-3.9.txt")
	require.NoError(t, err)
	_, cases, _ := strings.Cut(string(text), "\n= ")
	for _, c := range strings.Split(cases, "\n= ") {
		name, lines, _ := strings.Cut(c, "\n")
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			require.NoError(t, play(t, zktest.V39, strings.Split(strings.TrimSpace(lines), "\n")))
			require.Error(t, play(t, zktest.V38, strings.Split(strings.TrimSpace(lines), "\n")), "3.8 answers the same")
		})
	}
}

// play sends the requests of a recorded conversation to a new server. It returns
// the first answer that differs.
func play(t *testing.T, release zktest.Release, lines []string) error {
	s := zktest.New(t, zktest.Version(release))
	conns := make(map[string]net.Conn)
	for _, line := range lines {
		number, what, _ := strings.Cut(line, " ")
		what, frame, _ := strings.Cut(what, " ")
		c := conns[number]
		if c == nil {
			var err error
			c, err = s.Dial("tcp", "any", time.Second)
			require.NoError(t, err)
			require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
			defer c.Close()
			conns[number] = c
		}
		r := &raw{t: t, c: c}
		if what == ">" {
			request, err := hex.DecodeString(frame)
			require.NoError(t, err)
			r.write(request)
			continue
		}
		answer, err := r.read()
		switch ended := errors.Is(err, io.EOF); {
		case err != nil && !ended:
			return err
		case ended != (what == "end"), !ended && !sameButDots(frame, hex.EncodeToString(answer)):
			return fmt.Errorf("want %s, got %x %v", line, answer, err)
		}
	}
	return nil
}

// sameButDots compares two texts, of which the first may have dots for anything.
func sameButDots(want, got string) bool {
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != '.' && want[i] != got[i] {
			return false
		}
	}
	return true
}
