package session

import (
	"context"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/core"
)

// Manager keeps a ZooKeeper session open, and opens the next session when one
// has ended. Many recipes share one Manager. It is safe for concurrent use and
// runs until Close.
type Manager struct{ core *core.Manager }

// Dial opens a session and returns the Manager that keeps it. It blocks until
// there is a session, ctx ends, or the server rejects the credentials. After
// three seconds without a session it logs the reason as a warning; see
// Config.Logger.
//
// ctx bounds the dialling alone; the Manager runs until Close. Errors: an
// invalid Config, with the name of the field; ErrUnreachable, with the error of
// ctx and the last failure; ErrAuth.
func Dial(ctx context.Context, cfg Config) (*Manager, error) {
	m, err := core.Dial(ctx, cfg.core())
	if err != nil {
		return nil, err
	}
	return &Manager{m}, nil
}

// Start is Dial that does not wait: the Manager opens sessions in the
// background, and its state is Lost until there is one. Start is for programs
// that can begin to work without ZooKeeper. Every call on the Manager waits for
// a session until its ctx ends.
//
// The error says that the Config is invalid. If the server rejects the
// credentials, the Manager logs that and presents them again.
func Start(cfg Config) (*Manager, error) {
	m, err := core.Start(cfg.core())
	if err != nil {
		return nil, err
	}
	return &Manager{m}, nil
}

// of returns the implementation. It panics for a Manager that neither Dial nor
// Start has returned.
func (m *Manager) of() *core.Manager {
	misuse.ZeroValue(m == nil || m.core == nil, "or nil session.Manager", "session.Dial or session.Start")
	return m.core
}

// Close ends every hold, then the session. If a server can be reached within a
// second, the ephemeral znodes of the session are deleted at once. Close waits
// until the goroutines of the Manager have ended. For hooks, the log handler,
// Dialer, its connections and LookupHost it waits one second at most, so that
// each of them may call Close. It waits as long for a check of
// Config.Directories, whose warning would be lost otherwise. Close may be
// called more than once, from several goroutines. The error is always nil.
func (m *Manager) Close() error { return m.of().Close() }

// Done returns a channel that is closed when Close is called.
func (m *Manager) Done() <-chan struct{} { return m.of().Done() }

// Root returns the path below which this Manager works, "/" without a root.
func (m *Manager) Root() string { return m.of().Root() }

// LastFailure returns why no connection can be made. It returns nil if no
// attempt has failed since the last connection. The error has the last failure
// of each server that was tried, of eight addresses at most. Servers that accept
// connections and close them come first, and then the newest failure. LastFailure
// does no I/O, and is safe for concurrent use.
func (m *Manager) LastFailure() error { return m.of().LastFailure() }

// Format writes the root and the state.
func (m *Manager) Format(f fmt.State, verb rune) {
	if m == nil || m.core == nil {
		fmt.Fprint(f, "no session manager")
		return
	}
	m.core.Format(f, verb)
}

// Session describes the current session of a Manager.
type Session struct {
	ID      ID
	Timeout time.Duration // as the server has granted it
}

// Session returns the current session. Without a session it waits for the next
// one. ctx bounds the wait. Errors: ErrClosed; ErrUnreachable with the error of
// ctx. It is safe for concurrent use.
func (m *Manager) Session(ctx context.Context) (Session, error) {
	s, err := m.of().Session(ctx)
	if err != nil {
		return Session{}, err
	}
	return Session{ID(s.ID()), s.Timeout()}, nil
}
