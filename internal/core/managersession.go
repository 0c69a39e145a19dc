package core

import (
	"context"
	"fmt"
	"slices"

	"github.com/docent-go/docent/internal/base/ctxend"
)

// Session returns the current session. Without a session, it waits for one. ctx
// bounds the wait. Errors: ErrClosed; ErrUnreachable with ctx's error.
func (m *Manager) Session(ctx context.Context) (*Session, error) {
	m.made()
	for {
		if err := ctxend.Err(ctx); err != nil {
			return nil, err
		}
		if m.ctx.Err() != nil {
			return nil, ErrClosed
		}
		m.mu.Lock()
		s, turn := m.current, m.turn
		m.mu.Unlock()
		if s != nil && s.ctx.Err() == nil {
			return s, nil
		}
		select {
		case <-turn:
		case <-ctx.Done():
			return nil, m.unreachable(ctx)
		case <-m.ctx.Done():
		}
	}
}

// rememberedSessions is how many session ids Opened remembers.
const rememberedSessions = 1000

// Opened reports whether this Manager has opened the session with the id: the
// present session, or an earlier one, whose nodes may still exist for a while.
// It remembers the last thousand sessions.
func (m *Manager) Opened(id int64) bool {
	m.made()
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Contains(m.opened, id)
}

func (m *Manager) unreachable(ctx context.Context) error {
	m.mu.Lock()
	last, rest := m.fails.tell(), m.fails.unanswered(m.cfg.Servers)
	m.mu.Unlock()
	switch {
	case last == nil:
		return fmt.Errorf("%w: %w (%s)", ErrUnreachable, ctxend.Err(ctx), rest)
	case rest != "":
		last = fmt.Errorf("%w; %s", last, rest)
	}
	return fmt.Errorf("%w: %w (last failure: %w)", ErrUnreachable, ctxend.Err(ctx), last)
}
