package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/docent-go/docent/cmd/docent/internal/child"
	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/base/visible"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
)

// Exit codes. 69 and 75 are sysexits.h's EX_UNAVAILABLE and EX_TEMPFAIL.
const (
	exitFailure     = 1
	exitUsage       = 2
	exitUnreachable = 69
	exitNotAcquired = 75
	exitLost        = 79
	exitRevoked     = 80
)

// usageError is a mistake in the command line.
type usageError struct {
	text string
	help string // the --help command that explains it; may be empty
	// partial says that the command line is right so far, and not complete.
	partial bool
}

func usagef(format string, args ...any) error {
	return &usageError{text: fmt.Sprintf(format, args...)}
}

func (e *usageError) Error() string {
	if e.help == "" {
		return e.text
	}
	return fmt.Sprintf("%s (see: %s)", e.text, e.help)
}

// unreachableError says that ZooKeeper could not be reached in time.
type unreachableError struct {
	servers string
	within  time.Duration
	err     error
}

func (e *unreachableError) Error() string {
	if errors.Is(e.err, session.ErrNotServing) {
		return fmt.Sprintf("connect to %s: no answer within %v: %s (%s); check that a majority of the servers runs, or raise --connect-timeout",
			e.servers, e.within, noQuorum, e.reason())
	}
	return fmt.Sprintf("connect to %s: no server could be reached within %v (%s); "+
		"check --servers and that ZooKeeper runs there, or raise --connect-timeout", e.servers, e.within, e.reason())
}

func (e *unreachableError) Unwrap() error { return e.err }

// reason returns the last failure to dial. A server that accepts the connection
// and then hangs leaves no failure.
func (e *unreachableError) reason() string {
	for err := e.err; err != nil; {
		many, ok := err.(interface{ Unwrap() []error })
		if !ok {
			err = errors.Unwrap(err)
			continue
		}
		errs := many.Unwrap()
		if len(errs) == 3 && errors.Is(errs[0], session.ErrUnreachable) {
			return errs[2].Error()
		}
		break
	}
	return "no server answered"
}

// slowError says that servers answer, and that the work was not done in time.
type slowError struct {
	within time.Duration
	err    error
}

func (e *slowError) Error() string {
	return fmt.Sprintf("it was not done within %v, although ZooKeeper answers: there may be too much data to read; raise --connect-timeout", e.within)
}

func (e *slowError) Unwrap() error { return e.err }

// taskError is the failure of a task, as "task: reason; hint".
type taskError struct {
	task string // such as "lock /l"
	err  error
	hint string // empty: the advice that belongs to err
}

func (e *taskError) Error() string {
	line := e.task + ": "
	if path := causeNode(e.err); path != "" && !strings.Contains(e.task, path) {
		line += oneLine(path) + ": "
	}
	line += reason(e.err)
	hint := e.hint
	if hint == "" {
		hint = advice(e.err)
	}
	if hint != "" {
		line += "; " + hint
	}
	return line
}

func (e *taskError) Unwrap() error { return e.err }

// withTask adds the task to an error. Errors that name their cause already stay
// as they are.
func withTask(task string, err error) error {
	if err == nil {
		return nil
	}
	var unreachable *unreachableError
	var usage *usageError
	var named *taskError
	if errors.As(err, &unreachable) || errors.As(err, &usage) || errors.As(err, &named) {
		return err
	}
	return &taskError{task: task, err: err}
}

// problem prints a failure after which the command goes on.
func (a *app) problem(task string, err error) {
	text := nodeReason(err)
	if hint := advice(err); hint != "" {
		text += "; " + hint
	}
	a.note("%s: %s", task, text)
}

// errorHint is what to print for one kind of failure.
type errorHint struct {
	err    error
	reason string // empty: the error's own text
	advice string // what to do
}

// errorHints has the most specific errors first.
var errorHints = []errorHint{
	{session.ErrUnknownOutcome, "the server's answer was lost: the request may or may not have been carried out",
		`check with "docent config get", and try again if it was not`},
	{errLogin, "", "check --sasl-user, and --sasl-password-file or " + saslPassword},
	{session.ErrAuth, "the server rejects the credentials", "check --auth-file or DOCENT_AUTH"},
	{session.ErrTooLarge, "", "make the data smaller, or store it elsewhere and put its address here"},
	{session.ErrClosed, "the session was closed", "try again"},
	{session.ErrExposed, "", ""},
	{session.ErrNoAuth, "the ACL denies access", "check --auth-file or DOCENT_AUTH, and the ACL of the znode and of its parent"},
	{session.ErrAuthFailed, "the server rejects the credentials", "check --auth-file or DOCENT_AUTH"},
	{session.ErrInvalidACL, "the server rejects the access control list", "check --auth-file or DOCENT_AUTH"},
	{session.ErrIDTaken, "", ""},
	{session.ErrForeign, "", ""},
	{session.ErrLeftOut, "", ""},
	{naming.ErrNoInstance, "", `list the instances with "docent service list"`},
	{queue.ErrNoLetter, "", `list the IDs with "docent queue dead list"`},
	{config.ErrNoRevision, "the key's history has no such value", `list the values with "docent config history"`},
	{session.ErrNoNode, "there is no such znode", "check the path, and the root in --servers"},
	{session.ErrNodeExists, "the znode exists already", "set it without --create, or delete it first"},
	{session.ErrBadVersion, "the znode has another version", `read the present version with "docent --json config get" and try again`},
	{session.ErrNotEmpty, "the znode has children", `list them with "docent inspect"`},
	{session.ErrNoChildrenForEphemerals, "the parent is an ephemeral znode, which can have no children", "choose another path"},
}

// needsLogin is the error code of a server for clients that have not
// authenticated.
const needsLogin = -124

// reason returns the text of an error without the parts that name the task.
func reason(err error) string {
	var slow *slowError
	if errors.As(err, &slow) {
		return slow.Error()
	}
	var path *znode.PathError
	if errors.As(err, &path) {
		return path.Error()
	}
	var code *session.CodeError
	if errors.As(err, &code) { // its text says what to do
		if code.Code == needsLogin {
			return fmt.Sprintf("the server serves only clients that have authenticated (SESSIONCLOSEDREQUIRESASLAUTH, %d); "+
				"give --sasl-user, or credentials of a scheme in the server's enforce.auth.schemes with --auth or --tls-cert", needsLogin)
		}
		if errors.Is(err, session.ErrUnknownOutcome) {
			return "the request may or may not have been carried out: " + code.Error()
		}
		return code.Error()
	}
	if hint, ok := hintOf(err); ok && hint.reason != "" {
		return hint.reason
	}
	text := strings.TrimSuffix(withoutOp(err), "; "+core.AdviceTooLarge) // no flag sets MaxRequest
	return strings.Join(strings.Fields(strings.TrimPrefix(text, "zk: ")), " ")
}

// withoutOp returns the text of an error without the operations and paths of
// its OpErrors: the task names the first, and the others are requests of it.
func withoutOp(err error) string {
	var op *session.OpError
	if !errors.As(err, &op) || op.Err == nil {
		return err.Error()
	}
	text := op.Err.Error()
	var request *session.OpError
	if errors.As(op.Err, &request) {
		text = strings.Replace(text, request.Error(), withoutOp(request), 1)
	}
	return text
}

func advice(err error) string {
	var path *znode.PathError
	switch {
	case errors.As(err, &path) && path.Name:
		return "give the name of one znode, such as host-1, without a slash"
	case path != nil:
		return "give an absolute path such as /app/name"
	}
	if errors.As(err, new(*session.CodeError)) {
		return "" // the reason says it
	}
	hint, _ := hintOf(err)
	return hint.advice
}

// hintOf returns the hint for an error. Errors of this package that say
// everything themselves have none.
func hintOf(err error) (errorHint, bool) {
	if errors.Is(err, errLost) || errors.Is(err, errNotAcquired) {
		return errorHint{}, false
	}
	for _, hint := range errorHints {
		if errors.Is(err, hint.err) {
			return hint, true
		}
	}
	return errorHint{}, false
}

// explain returns the line to print for an error, and its exit code. The line
// may contain data of nodes, and so it is escaped.
func explain(err error) (line string, code int) {
	return visible.Line(strings.Join(strings.Fields(err.Error()), " ")), exitCode(err)
}

func exitCode(err error) int {
	var usage *usageError
	var path *znode.PathError
	var unreachable *unreachableError
	var start *child.StartError
	var slow *slowError
	var by *interrupted
	switch {
	case errors.As(err, &by):
		return by.ExitCode()
	case errors.As(err, &usage), errors.As(err, &path), errors.Is(err, queue.ErrNoLetter):
		return exitUsage
	case errors.As(err, &start):
		return start.Code
	case errors.As(err, &slow):
		return exitFailure
	case errors.Is(err, errLost):
		return exitLost
	case errors.Is(err, errRevoked):
		return exitRevoked
	case errors.Is(err, errNotAcquired):
		return exitNotAcquired
	case errors.As(err, &unreachable), errors.Is(err, session.ErrUnreachable), errors.Is(err, context.DeadlineExceeded):
		return exitUnreachable
	}
	return exitFailure
}
