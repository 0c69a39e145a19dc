//go:build unix

package peers

import (
	"bufio"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

//go:embed python/values.py
var pythonReader string

// Reader is a process that says what another library makes of bytes. It has no
// session. It answers one question after the other; Ask may be called from any
// goroutine.
type Reader struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr *strings.Builder

	turn sync.Mutex
}

// Answer is what the library makes of the bytes of one question.
type Answer struct {
	Text    string // what it has read
	Refused bool   // it has not: Text is its reason
	Field   string // the field that it refused, if it has told
}

// readers are the readers of a test binary, one for each library. Clean ends
// them.
var readers struct {
	mu  sync.Mutex
	all map[string]*Reader
}

// CuratorReader returns the Java program that reads with Curator's classes. All
// tests of a test binary share it. Its layouts are in java/Values.java.
func CuratorReader(tb testing.TB) *Reader {
	tb.Helper()
	return reader(tb, nil, "java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", javaClasspath(tb), "Values")
}

// KazooReader returns the Python program that reads with kazoo's recipes. All
// tests of a test binary share it. Its layouts are in python/values.py.
func KazooReader(tb testing.TB) *Reader {
	tb.Helper()
	python, env := requireKazoo(tb, cellWith(tb, "kazoo"))
	return reader(tb, env, python, "-c", pythonReader)
}

func reader(tb testing.TB, env []string, program string, args ...string) *Reader {
	tb.Helper()
	readers.mu.Lock()
	defer readers.mu.Unlock()
	if r := readers.all[program]; r != nil {
		return r
	}
	r, err := startReader(env, program, args...)
	if err != nil {
		tb.Fatalf("starting a reader: %v", err)
	}
	if readers.all == nil {
		readers.all = make(map[string]*Reader)
	}
	readers.all[program] = r
	return r
}

func startReader(env []string, program string, args ...string) (*Reader, error) {
	r := &Reader{cmd: exec.Command(program, args...), stderr: new(strings.Builder)}
	r.cmd.Env, r.cmd.Stderr = append(os.Environ(), env...), r.stderr
	in, err := r.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	r.in, r.out = in, bufio.NewReader(out)
	return r, r.cmd.Start()
}

// close ends the process.
func (r *Reader) close() error {
	err := r.in.Close()
	if ended := r.cmd.Wait(); ended != nil {
		return fmt.Errorf("a reader has failed: %w\n%s", ended, r.stderr)
	}
	return err
}

// endReaders ends the readers of a test binary.
func endReaders() error {
	readers.mu.Lock()
	defer readers.mu.Unlock()
	var err error
	for _, r := range readers.all {
		err = errors.Join(err, r.close())
	}
	return err
}

// Ask returns the answers to the questions of one layout, in their order.
func (r *Reader) Ask(tb testing.TB, layout string, questions ...[]byte) []Answer {
	tb.Helper()
	r.turn.Lock()
	defer r.turn.Unlock()
	asked := make(chan error, 1)
	go func() { asked <- r.ask(layout, questions) }() // the pipes do not hold all questions and answers
	answers := make([]Answer, len(questions))
	var failed error
	for i := range answers {
		if answers[i], failed = r.answer(); failed != nil {
			failed = fmt.Errorf("the answer to question %d (%x): %w", i, questions[i], failed)
			break
		}
	}
	if failed != nil {
		_ = r.cmd.Process.Kill() // ends the writer too; it may have ended by itself
	}
	if err := <-asked; err != nil || failed != nil {
		tb.Fatalf("asking about %q: %v, %v", layout, failed, err)
	}
	return answers
}

func (r *Reader) ask(layout string, questions [][]byte) error {
	w := bufio.NewWriter(r.in)
	for _, q := range questions {
		size := len(layout) + 1 + len(q)
		for _, part := range [][]byte{binary.BigEndian.AppendUint32(nil, uint32(size)), []byte(layout + "\n"), q} {
			if _, err := w.Write(part); err != nil {
				return err
			}
		}
	}
	return w.Flush()
}

func (r *Reader) answer() (Answer, error) {
	var size [4]byte
	if _, err := io.ReadFull(r.out, size[:]); err != nil {
		return Answer{}, err
	}
	text := make([]byte, binary.BigEndian.Uint32(size[:]))
	if _, err := io.ReadFull(r.out, text); err != nil {
		return Answer{}, err
	}
	if text[0] == '+' {
		return Answer{Text: string(text[1:])}, nil
	}
	field, reason, _ := strings.Cut(string(text[1:]), ":")
	return Answer{Text: reason, Refused: true, Field: field}, nil
}
