package ctxend

import (
	"context"

	"github.com/docent-go/docent/internal/base/oneline"
)

// Do calls f with a context of WithHold, and then end with the error of f. It
// returns both errors, joined. If f panics or calls runtime.Goexit, Do calls
// abandon instead of end. In either case, it calls stop.
func Do(within context.Context, stop func(), f func(context.Context) error, end func(error) error, abandon func()) error {
	ended := false
	defer func() {
		stop()
		if !ended {
			abandon()
		}
	}()
	err := f(within)
	err = oneline.Join(err, end(err))
	ended = true
	return err
}
