package core

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// With no hook set, nothing is allocated for hooks.
func TestNoHooksNoAllocations(t *testing.T) {
	m := newManager(Config{Timeout: time.Second})
	s := &Session{m: m}
	h := &Hold{node: &Node{s: s}}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_ = s.report("get", "/a", time.Time{}, nil)
		m.Waiting(context.Background(), "/a", false)(h, nil)
	}))
}
