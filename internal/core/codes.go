package core

import (
	"errors"
	"fmt"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/internal/wire"
)

// outcome is the outcome of one request.
type outcome uint8

const (
	// unanswered: the answer is missing. The server may have executed the
	// request, or may execute it later.
	unanswered outcome = iota
	// executed: the server has executed the request.
	executed
	// refused: the server has processed the request and refused it. It changed
	// nothing.
	refused
	// skipped: the request was never sent, or the server says that it has not
	// processed it. It can be sent again safely.
	skipped
	// open: the server has answered, but the answer does not tell whether the
	// request was executed.
	open
)

// final reports whether the answer tells the outcome of the request.
func (o outcome) final() bool { return o == executed || o == refused }

// doubtful reports whether the request may have been executed.
func (o outcome) doubtful() bool { return o == unanswered || o == open }

// becameOf is the outcome of a request for each class of answer.
var becameOf = map[wire.Class]outcome{
	wire.Unknown: open, wire.Done: executed, wire.Refused: refused, wire.NotExecuted: skipped,
}

// sentinels are the errors of particular codes. All other codes become
// CodeErrors.
var sentinels = map[wire.Code]error{
	-6: ErrUnimplemented, -8: zk.ErrBadArguments,
	-100: zk.ErrAPIError, -101: ErrNoNode, -102: ErrNoAuth, -103: ErrBadVersion,
	-108: ErrNoChildrenForEphemerals, -110: ErrNodeExists, -111: ErrNotEmpty, -112: zk.ErrSessionExpired,
	-114: ErrInvalidACL, -115: ErrAuthFailed, -116: zk.ErrClosing, -117: zk.ErrNothing, -118: zk.ErrSessionMoved,
	-123: zk.ErrReconfigDisabled,
}

// CodeError is an error code in a server's answer for which no sentinel error
// exists. Errors wrap it, and errors.As finds it. If the error of a write also
// wraps ErrUnknownOutcome, the code does not tell whether the server has
// executed the write.
type CodeError struct {
	// Code is the number as in KeeperException.Code. For example, -125 means
	// that a quota is exceeded.
	Code int32
}

// Error returns the name of the code, and what to do.
func (e *CodeError) Error() string {
	c := wire.Code(e.Code)
	switch {
	case c.Name() == "":
		return fmt.Sprintf("the server answers with error code %d, which ZooKeeper 3.9 does not have: look it up for the server's version", e.Code)
	case c.Advice() == "":
		return fmt.Sprintf("the server answers %s (%d)", c.Name(), e.Code)
	}
	return fmt.Sprintf("the server answers %s (%d): %s", c.Name(), e.Code, c.Advice())
}

// classify returns the outcome of a request for the code of its answer. For
// codes without a sentinel, the error is a CodeError.
func classify(code wire.Code) (o outcome, answer error) {
	if code == wire.CodeOK {
		return executed, nil
	}
	if err := sentinels[code]; err != nil {
		return becameOf[code.Class()], err
	}
	return becameOf[code.Class()], &CodeError{int32(code)}
}

// needs adds to an operation's ErrUnimplemented what the operation needs from a
// server.
func needs(err error, what string) error {
	var op *OpError
	if !errors.Is(err, ErrUnimplemented) || !errors.As(err, &op) {
		return err
	}
	return &OpError{op.Op, op.Path, op.Session, fmt.Errorf("%w: %s", op.Err, what)}
}

// because adds the last answer of the server to the reason for which a call has
// ended. It does so only for a CodeError after which the call was sent again.
func because(reason, last error) error {
	var code *CodeError
	if !errors.As(last, &code) || errors.As(reason, new(*CodeError)) {
		return reason
	}
	return fmt.Errorf("%w; before that: %v", reason, code)
}
