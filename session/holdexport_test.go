package session

import "context"

// What recipes reach through core.

func (h *Hold) Node() *Node            { h.made(); return h.node }
func (h *Hold) HandOn() (*Hold, error) { return h.handOn() }
func (h *Hold) Replace(ctx context.Context, path string, data []byte) (*Hold, error) {
	return h.replace(ctx, path, data)
}
func (h *Hold) ReleaseBy(remove func(lost error) error) error { return h.releaseBy(remove) }
