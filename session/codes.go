package session

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-zookeeper/zk"
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

// answerCode is what is known of an error code of the protocol.
type answerCode struct {
	outcome outcome
	name    string // as KeeperException.Code has it, or the C client
	advice  string // what it says of the request, and what to do; for a CodeError
	err     error  // the sentinel of the client that stands for it, if it has one
}

// answerCodes are the error codes of ZooKeeper's protocol, up to version 3.9.
//
// The code -112 is unanswered, although a server gives it: the client uses the
// same error for requests that were under way when the session ended. The same
// holds for -116 and -117, which no server sends.
var answerCodes = map[int32]answerCode{
	0: {executed, "OK", "", nil},

	-1: {open, "SYSTEMERROR", "the server failed while it executed the request: read what it has become, and look into the server's log", nil},
	-2: {open, "RUNTIMEINCONSISTENCY", "the server found its state inconsistent: read what has become of the request, and look into the server's log", nil},
	-3: {open, "DATAINCONSISTENCY", "the server found its data inconsistent: read what has become of the request, and look into the server's log", nil},
	-4: {open, "CONNECTIONLOSS", "a proxy or the server lost a connection behind this one: read what has become of the request", nil},
	-5: {refused, "MARSHALLINGERROR", "the server could not read the request: compare the versions of server and client", nil},
	-6: {refused, "UNIMPLEMENTED", "", ErrUnimplemented},
	-7: {open, "OPERATIONTIMEOUT", "the server gave the request up after some time: read what has become of it", nil},
	-8: {refused, "BADARGUMENTS", "", zk.ErrBadArguments},
	-9: {open, "INVALIDSTATE", "a proxy or the server is not in a state to answer: read what has become of the request", nil},

	-12: {refused, "UNKNOWNSESSION", "the server does not know the session: look into the server's log", nil},
	-13: {refused, "NEWCONFIGNOQUORUM", "too few servers of the new ensemble are in step: start them, then reconfigure again", nil},
	-14: {refused, "RECONFIGINPROGRESS", "another reconfiguration of the ensemble is under way: wait for its end, then try again", nil},

	-100: {open, "APIERROR", "", zk.ErrAPIError},
	-101: {refused, "NONODE", "", zk.ErrNoNode},
	-102: {refused, "NOAUTH", "", zk.ErrNoAuth},
	-103: {refused, "BADVERSION", "", zk.ErrBadVersion},
	-108: {refused, "NOCHILDRENFOREPHEMERALS", "", zk.ErrNoChildrenForEphemerals},
	-110: {refused, "NODEEXISTS", "", zk.ErrNodeExists},
	-111: {refused, "NOTEMPTY", "", zk.ErrNotEmpty},
	-112: {unanswered, "SESSIONEXPIRED", "", zk.ErrSessionExpired},
	-113: {refused, "INVALIDCALLBACK", "the server refuses the request's callback: compare the versions of server and client", nil},
	-114: {refused, "INVALIDACL", "", zk.ErrInvalidACL},
	-115: {refused, "AUTHFAILED", "", zk.ErrAuthFailed},
	-116: {unanswered, "CLOSING", "", zk.ErrClosing},
	-117: {unanswered, "NOTHING", "", zk.ErrNothing},
	-118: {skipped, "SESSIONMOVED", "", zk.ErrSessionMoved},
	-119: {refused, "NOTREADONLY", "the server is read-only, since it has lost its quorum: start the other servers, or name them in the connect string", nil},
	-120: {refused, "EPHEMERALONLOCALSESSION", "the server keeps the session local, and a local session owns no ephemeral znodes: " +
		"set localSessionsUpgradingEnabled=true on the servers, or turn localSessionsEnabled off", nil},
	-121: {refused, "NOWATCHER", "the server has no such watch of the session", nil},
	-122: {open, "REQUESTTIMEOUT", "the request took too long: read what has become of it", nil},
	-123: {refused, "RECONFIGDISABLED", "", zk.ErrReconfigDisabled},
	-124: {refused, "SESSIONCLOSEDREQUIRESASLAUTH", "the server answers authenticated clients only: " +
		"configure credentials of a scheme that it enforces (enforce.auth.schemes)", nil},
	-125: {refused, "QUOTAEXCEEDED", "a quota on the path or above it is used up: delete what is not needed, or raise the quota (setquota in zkCli.sh)", nil},
	-126: {open, "SSLCONNECTIONERROR", "a connection behind this one failed in TLS: read what has become of the request", nil},
	-127: {skipped, "THROTTLEDOP", "the server is overloaded and has not executed the request: give it time, or more resources", nil},
}

// codeOf finds the code of a client's sentinel.
var codeOf = func() map[error]int32 {
	codes := make(map[error]int32, len(answerCodes))
	for number, c := range answerCodes {
		if c.err != nil {
			codes[c.err] = number
		}
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
	c, known := answerCodes[e.Code]
	switch {
	case !known:
		return fmt.Sprintf("the server answers with error code %d, which ZooKeeper 3.9 does not have: look it up for the server's version", e.Code)
	case c.advice == "":
		return fmt.Sprintf("the server answers %s (%d)", c.name, e.Code)
	}
	return fmt.Sprintf("the server answers %s (%d): %s", c.name, e.Code, c.advice)
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
			return classify(int32(number))
		}
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		if number, ok := codeOf[e]; ok {
			return answerCodes[number].outcome, err
		}
	}
	return unanswered, err
}

// classify is verdict for a code without a sentinel of the client. A code that
// is not known may say anything, so it leaves a write open.
func classify(number int32) (o outcome, answer error) {
	c, known := answerCodes[number]
	switch {
	case !known:
		return open, &CodeError{number}
	case c.err != nil:
		return c.outcome, c.err
	}
	return c.outcome, &CodeError{number}
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
