package conformance

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

var record = flag.String("record", "", "write the frames of the real server for differenceCases into this `file`")

// tape records the frames of conversations with one server. The tests of
// zktest play them again. A nil tape records nothing.
type tape struct {
	began    time.Time
	lines    []string
	conns    int
	sessions [][]byte // the ids of all sessions
}

// dialled returns the number of a new connection.
func (t *tape) dialled() int {
	if t == nil {
		return 0
	}
	t.conns++
	return t.conns
}

// add records a frame of a connection: what is ">" for a request and "<" for an
// answer. The last answer of a connection that the server closes is "end".
func (t *tape) add(conn int, what string, frame []byte) {
	if t != nil {
		t.lines = append(t.lines, strings.TrimSpace(fmt.Sprintf("%d %s %s", conn, what, t.mask(frame))))
	}
}

// greeted notes what differs in every run: the id and the password of a session.
func (t *tape) greeted(answer []byte) {
	if t != nil && len(answer) >= 36 {
		t.sessions = append(t.sessions, answer[8:16], answer[20:36])
	}
}

// mask returns the frame in hexadecimal digits. Dots stand for what differs in
// every run: session ids, passwords and times.
func (t *tape) mask(frame []byte) string {
	hidden := make([]bool, len(frame))
	hide := func(from, n int) {
		for i := from; i < from+n; i++ {
			hidden[i] = true
		}
	}
	earliest, latest := t.began.Add(-time.Minute).UnixMilli(), time.Now().Add(time.Minute).UnixMilli()
	for i := range frame {
		if i+8 <= len(frame) {
			if ms := int64(binary.BigEndian.Uint64(frame[i:])); ms >= earliest && ms <= latest {
				hide(i, 8)
			}
		}
		for _, id := range t.sessions {
			if !allZero(id) && bytes.HasPrefix(frame[i:], id) {
				hide(i, len(id))
			}
		}
	}
	var text strings.Builder
	for i, b := range frame {
		if hidden[i] {
			text.WriteString("..")
		} else {
			fmt.Fprintf(&text, "%02x", b)
		}
	}
	return text.String()
}

// TestRecord writes the frames of differenceCases, if the flag -record names a
// file. Each case has a server of its own, so that its zxids are always the same.
func TestRecord(t *testing.T) {
	if *record == "" {
		t.Skip("records only with -record=FILE")
	}
	var text []string
	for _, c := range differenceCases() {
		t.Run(c.name, func(t *testing.T) {
			reference := realSide(t)
			reference.tape = &tape{began: time.Now()}
			if text == nil {
				text = tapeHead(reference.release)
			}
			hold(t, c, reference, "/d")
			text = append(text, append([]string{"", "= " + c.name}, reference.tape.lines...)...)
		})
	}
	require.NoError(t, os.WriteFile(*record, []byte(strings.Join(text, "\n")+"\n"), 0o644))
}

func tapeHead(release zktest.Release) []string {
	return []string{
		"# Frames of ZooKeeper " + string(release) + ". A line has the number of a connection, > for a request or < for an answer, and the",
		"# frame in hexadecimal digits, without its length. Dots differ in each run. end: the server closed the connection.",
		"# To record again, in recipes_test, with the jars of that ZooKeeper:",
		"#     DOCENT_ZK_CLASSPATH=JARS go test ./conformance -run TestRecord -record $PWD/../zktest/testdata/frames-" + string(release) + ".txt",
	}
}
