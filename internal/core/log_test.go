package core_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// logbook collects what is logged at Info and above, as "LEVEL message".
type logbook struct {
	mu    sync.Mutex
	lines []string
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, strings.TrimSpace(string(p)))
	return len(p), nil
}

func (l *logbook) use(cfg *core.Config) {
	cfg.Logger = slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			switch a.Key {
			case slog.TimeKey, "session", "timeout", "since":
				return slog.Attr{}
			}
			return a
		},
	}))
}

// grep returns the lines that contain part.
func (l *logbook) grep(part string) (found []string) {
	for _, line := range l.take() {
		if strings.Contains(line, part) {
			found = append(found, line)
		}
	}
	return found
}

// take returns what was logged since the last call. It is for use in a bubble.
func (l *logbook) take() []string {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.lines
	l.lines = nil
	return lines
}

// Each failure that needs an operator is one line. A failure that ends by
// itself is not a warning.
func TestLog(t *testing.T) {
	inWorld(t, func(w *world) {
		var log logbook
		p := w.process(log.use)
		opened := `level=INFO msg="session opened"`
		lost := `level=INFO msg="connection changed" state=suspended server=zk1:2181 err="the server has closed the connection"`
		back := `level=INFO msg="connection changed" state=connected server=zk1:2181`
		require.Equal(w, []string{opened}, log.take())

		p.link.Disconnect()
		time.Sleep(time.Minute)
		require.Equal(w, []string{
			lost,
			back,
		}, log.take())

		w.Srv.Expire(p.session().ID())
		time.Sleep(time.Minute)
		require.Equal(w, []string{
			lost,
			`level=WARN msg="session ended" state=lost cause="the server has expired the session"`,
			opened,
		}, log.take())

		p.link.Refuse(true)
		p.link.Disconnect()
		time.Sleep(time.Hour)
		lines := log.take()
		require.Len(w, lines, 3, "%v", lines)
		require.Equal(w, lost, lines[0])
		require.Equal(w, `level=WARN msg="session ended" state=lost cause="the session was not confirmed before its trust deadline"`, lines[1])
		require.Contains(w, lines[2], `level=WARN msg="no session can be opened" servers=zk1:2181 err="`)
		require.Contains(w, lines[2], "zk1")
		p.link.Refuse(false)
		time.Sleep(time.Minute)
		require.Equal(w, []string{opened}, log.take())
		p.link.Cut(zktest.Both) // another spell
		time.Sleep(time.Hour)
		lines = log.take()
		require.Equal(w, `level=INFO msg="connection changed" state=suspended server=zk1:2181 err="no answer within 5s"`, lines[0])
		require.Contains(w, lines[len(lines)-1], `msg="no session can be opened"`)
		p.link.Heal()
		time.Sleep(time.Minute)
		require.Equal(w, []string{opened}, log.take())
		require.NoError(w, p.Close())
		require.Equal(w, []string{`level=INFO msg="session ended" state=closed cause="the session manager is closed"`}, log.take())
	})
}

// Refused credentials are logged once, however often they are presented again.
func TestLogAuth(t *testing.T) {
	inWorld(t, func(w *world) {
		var log logbook
		cfg := core.Config{Servers: []string{"zk1"}, Dialer: w.Srv.DialContext,
			Auth: []core.Credential{core.AddAuth("kerberos", []byte("secret"))}}
		log.use(&cfg)
		sm, err := core.Start(cfg)
		require.NoError(w, err)
		time.Sleep(10 * time.Minute)
		require.Equal(w, []string{
			`level=WARN msg="no session can be opened" servers=zk1:2181 err="the server rejects the credentials (scheme kerberos)"`,
		}, log.take())
		require.NoError(w, sm.Close())
	})
}
