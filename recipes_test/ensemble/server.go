package ensemble

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// reapWithin bounds the time until a signalled server has ended.
const reapWithin = time.Minute

// Server is one ZooKeeper server of an ensemble. Its methods fail the test if
// the system refuses their requests. They may be called from any goroutine, one
// at a time per server.
type Server struct {
	tb   testing.TB
	id   int // myid, from 1
	dir  string
	addr string
	java installation
	jvm  []string
	env  []string // added to the environment of the process

	mu     sync.Mutex
	proc   *process // nil when down
	paused bool
}

// Addr is the server's host:port for clients.
func (s *Server) Addr() string { return s.addr }

// ID is the server's number in the ensemble's configuration, counted from 1.
func (s *Server) ID() int { return s.id }

// Pid is the process id, or 0 while the server is down.
func (s *Server) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		return 0
	}
	return s.proc.pid()
}

// Kill ends the server at once, as a crash does. A server that is down stays down.
func (s *Server) Kill() {
	s.tb.Helper()
	s.end(syscall.SIGKILL)
}

// Stop ends the server with SIGTERM and waits for its end.
func (s *Server) Stop() {
	s.tb.Helper()
	s.Resume() // a paused process does not see SIGTERM
	s.end(syscall.SIGTERM)
}

// Restart starts the server again on its old ports and data; it kills a running
// server first. It returns as soon as the process runs. Whether the server can
// serve depends on the others: [Ensemble.WaitQuorum] waits for that.
func (s *Server) Restart() {
	s.tb.Helper()
	s.Kill()
	if err := s.launch(); err != nil {
		s.tb.Errorf("restarting server %d: %v", s.id, err)
	}
}

// Pause freezes the process: its connections stay open and nothing is answered,
// as in a long garbage collection.
func (s *Server) Pause() {
	s.tb.Helper()
	s.freeze(syscall.SIGSTOP, true)
}

// Resume continues a paused server.
func (s *Server) Resume() {
	s.tb.Helper()
	s.freeze(syscall.SIGCONT, false)
}

func (s *Server) freeze(sig syscall.Signal, paused bool) {
	s.tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		return
	}
	if err := s.proc.signal(sig); err != nil {
		s.tb.Errorf("sending %v to server %d: %v", sig, s.id, err)
		return
	}
	s.paused = paused
}

func (s *Server) end(sig syscall.Signal) {
	s.tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		return
	}
	if err := s.proc.signal(sig); err != nil {
		s.tb.Errorf("sending %v to server %d: %v", sig, s.id, err)
		return
	}
	if !s.proc.waitEnd(reapWithin) {
		s.tb.Errorf("server %d did not end within %v of %v", s.id, reapWithin, sig)
		return
	}
	s.proc, s.paused = nil, false
}

// running reports whether the process is up and not paused.
func (s *Server) running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc != nil && !s.paused && !s.proc.ended()
}

// crashed reports whether the process ended by itself.
func (s *Server) crashed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc != nil && s.proc.ended()
}

func (s *Server) logFile() string { return filepath.Join(s.dir, "server.log") }

// configure writes the data directory and the configuration file.
func (s *Server) configure(set settings, clientPort int, peers []string) error {
	data := s.dataDir()
	if err := os.MkdirAll(data, 0o755); err != nil {
		return err
	}
	if set.ownDisks {
		if err := mountDisk(data); err != nil {
			return err
		}
		s.tb.Cleanup(func() {
			s.Kill()
			if err := unmountDisk(data); err != nil {
				s.tb.Errorf("unmounting the disk of server %d: %v", s.id, err)
			}
		})
	}
	if set.ownClocks {
		env, err := s.clockEnv()
		if err != nil {
			return err
		}
		s.env = env
		if err := s.writeClock(0); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(data, "myid"), []byte(strconv.Itoa(s.id)), 0o644); err != nil {
		return err
	}
	config := map[string]string{
		"tickTime":               strconv.FormatInt(set.tick.Milliseconds(), 10),
		"initLimit":              "40",
		"syncLimit":              "8",
		"dataDir":                data,
		"clientPortAddress":      "127.0.0.1",
		"clientPort":             strconv.Itoa(clientPort),
		"maxClientCnxns":         "0",
		"maxSessionTimeout":      "300000",
		"admin.enableServer":     "false",
		"4lw.commands.whitelist": "*",
	}
	for key, value := range set.config {
		config[key] = value
	}
	var text strings.Builder
	for key, value := range config {
		fmt.Fprintf(&text, "%s=%s\n", key, value)
	}
	for _, peer := range peers {
		fmt.Fprintln(&text, peer)
	}
	s.jvm = append([]string{
		"-Xmx" + set.heap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		fmt.Sprintf("-Dzookeeper.forceSync=%v", yesNo(set.fsync)),
		// Votes are repeated after 200 ms, 400 ms, and so on up to a minute:
		// without the limit, servers would wait long for a peer that was away.
		"-Dzookeeper.fastleader.maxNotificationInterval=1000",
		"-Dorg.slf4j.simpleLogger.showDateTime=true",
		"-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
		"-Dorg.slf4j.simpleLogger.showThreadName=false",
		"-Dorg.slf4j.simpleLogger.showShortLogName=true",
	}, set.jvm...)
	return os.WriteFile(filepath.Join(s.dir, "zoo.cfg"), []byte(text.String()), 0o644)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// launch starts the process; its output goes to the end of the server's log file.
func (s *Server) launch() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	args := append([]string{}, s.jvm...)
	args = append(args, "-cp", s.java.classpath, "org.apache.zookeeper.server.quorum.QuorumPeerMain", filepath.Join(s.dir, "zoo.cfg"))
	cmd := exec.Command(s.java.java, args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), s.env...)
	cmd.Stdout, cmd.Stderr = log, log
	proc, err := start(cmd, func() {})
	// The child has its own copy of the descriptor by now.
	if closeErr := log.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	s.proc, s.paused = proc, false
	return nil
}
