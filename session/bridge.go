package session

import (
	"context"

	"github.com/docent-go/docent/internal/core"
)

// Recipes reach through core what a Hold does not show to its users.
func init() {
	core.Holds.HandOn = func(hold any) (any, error) { return hold.(*Hold).handOn() }
	core.Holds.Replace = func(ctx context.Context, hold any, path string, data []byte) (any, error) {
		return hold.(*Hold).replace(ctx, path, data)
	}
	core.Holds.ReleaseBy = func(hold any, remove func(lost error) error) error {
		return hold.(*Hold).releaseBy(remove)
	}
	core.Holds.OnWrite = func(hold any, f func(data []byte)) {
		h := hold.(*Hold)
		h.made()
		h.node.OnWrite(f)
	}
}
