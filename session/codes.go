package session

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

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
	// refused: the server, or the client, has looked at the request and
	// refused it. It changed nothing.
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
	-100: zk.ErrAPIError, -101: zk.ErrNoNode, -102: zk.ErrNoAuth, -103: zk.ErrBadVersion,
	-108: zk.ErrNoChildrenForEphemerals, -110: zk.ErrNodeExists, -111: zk.ErrNotEmpty, -112: zk.ErrSessionExpired,
	-114: zk.ErrInvalidACL, -115: zk.ErrAuthFailed, -116: zk.ErrClosing, -117: zk.ErrNothing, -118: zk.ErrSessionMoved,
	-123: zk.ErrReconfigDisabled,
}

// clientsOwn are the sentinels with which the client also ends the requests that
// were under way when the session or the connection ended. They do not tell whether
// a server has answered.
var clientsOwn = []error{zk.ErrSessionExpired, zk.ErrClosing, zk.ErrNothing}

// codeOf finds the code of a client's sentinel.
var codeOf = func() map[error]wire.Code {
	codes := make(map[error]wire.Code, len(sentinels))
	for code, err := range sentinels {
		codes[err] = code
	}
	return codes
}()

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

// beforeSending are the client's errors that it gives before it sends anything.
var beforeSending = []error{zk.ErrInvalidPath, zk.ErrInvalidFlags, zk.ErrShortBuffer}

// unknownCode is how the client words a code that it has no sentinel for.
const unknownCode = "unknown error: "

// verdict tells from the client's error what became of a request. It gives the
// codes that the client leaves without a sentinel an error of ours.
func verdict(err error) (o outcome, answer error) {
	if err == nil {
		return executed, nil
	}
	for _, e := range beforeSending {
		if errors.Is(err, e) {
			return refused, err
		}
	}
	if errors.Is(err, zk.ErrNoServer) {
		return skipped, err // the client drops a request with it before the request was sent
	}
	if text, ok := strings.CutPrefix(err.Error(), unknownCode); ok {
		if number, bad := strconv.ParseInt(text, 10, 32); bad == nil {
			return classify(wire.Code(number))
		}
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		if code, ok := codeOf[e]; ok {
			o, _ = classify(code)
			return o, err
		}
	}
	return unanswered, err
}

// classify is verdict for a code.
func classify(code wire.Code) (o outcome, answer error) {
	err := sentinels[code]
	switch {
	case err == nil:
		return becameOf[code.Class()], &CodeError{int32(code)}
	case slices.Contains(clientsOwn, err):
		return unanswered, err
	}
	return becameOf[code.Class()], err
}

// because adds to the reason for which a call has ended what the server
// answered last, if that kept the call from its end.
func because(reason, last error) error {
	var code *CodeError
	if !errors.As(last, &code) || errors.As(reason, new(*CodeError)) {
		return reason
	}
	return fmt.Errorf("%w; before that, %v", reason, code)
}
