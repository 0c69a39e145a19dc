package core

import (
	"errors"
	"fmt"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/internal/wire"
)

// outcome is what became of one request.
type outcome uint8

const (
	// unanswered: the answer is missing. The server may have executed the
	// request, or may execute it yet.
	unanswered outcome = iota
	// executed: the server has executed the request.
	executed
	// refused: the server has looked at the request and refused it. It changed
	// nothing.
	refused
	// skipped: the request never left, or the server says that it has not
	// looked at it. To send it again is safe.
	skipped
	// open: the server has answered, and the answer leaves it open whether the
	// request was executed.
	open
)

// final reports whether the answer says what became of the request.
func (o outcome) final() bool { return o == executed || o == refused }

// doubtful reports whether the request may have been executed, or not.
func (o outcome) doubtful() bool { return o == unanswered || o == open }

// becameOf is what a server says of a request with each class of answer.
var becameOf = map[wire.Class]outcome{
	wire.Unknown: open, wire.Done: executed, wire.Refused: refused, wire.NotExecuted: skipped,
}

// sentinels are the errors that stand for codes. The others are CodeErrors.
var sentinels = map[wire.Code]error{
	-6: ErrUnimplemented, -8: zk.ErrBadArguments,
	-100: zk.ErrAPIError, -101: ErrNoNode, -102: ErrNoAuth, -103: ErrBadVersion,
	-108: ErrNoChildrenForEphemerals, -110: ErrNodeExists, -111: ErrNotEmpty, -112: zk.ErrSessionExpired,
	-114: ErrInvalidACL, -115: ErrAuthFailed, -116: zk.ErrClosing, -117: zk.ErrNothing, -118: zk.ErrSessionMoved,
	-123: zk.ErrReconfigDisabled,
}

// CodeError is an error code with which a server has answered a request, where
// no sentinel error stands for it. Errors wrap it: errors.As finds it. When a
// write wraps ErrUnknownOutcome too, the code leaves it open whether the server
// has executed the write.
type CodeError struct {
	// Code is the number, as KeeperException.Code has it: -125 says that a
	// quota is exceeded.
	Code int32
}

// Error names the code, and says what to do about it.
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

// classify tells from the code of an answer what became of the request. It gives
// codes without a sentinel an error of ours.
func classify(code wire.Code) (o outcome, answer error) {
	if code == wire.CodeOK {
		return executed, nil
	}
	if err := sentinels[code]; err != nil {
		return becameOf[code.Class()], err
	}
	return becameOf[code.Class()], &CodeError{int32(code)}
}

// needs adds to an operation's ErrUnimplemented what a server needs for the operation.
func needs(err error, what string) error {
	var op *OpError
	if !errors.Is(err, ErrUnimplemented) || !errors.As(err, &op) {
		return err
	}
	return &OpError{op.Op, op.Path, op.Session, fmt.Errorf("%w: %s", op.Err, what)}
}

// because adds to the reason for which a call has ended the server's last answer, if
// that answer was a CodeError which had the call sent again.
func because(reason, last error) error {
	var code *CodeError
	if !errors.As(last, &code) || errors.As(reason, new(*CodeError)) {
		return reason
	}
	return fmt.Errorf("%w; before that: %v", reason, code)
}
