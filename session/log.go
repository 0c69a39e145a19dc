package session

import (
	"fmt"
	"log/slog"
)

// clientLog passes on what the client underneath says, which is for those who
// debug it: whatever matters of it, the Manager logs itself.
type clientLog struct{ log *slog.Logger }

func (l clientLog) Printf(format string, args ...any) {
	l.log.Debug(fmt.Sprintf(format, args...), "from", "client")
}
