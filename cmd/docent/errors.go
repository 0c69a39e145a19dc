package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/cmd/docent/internal/child"
	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// Exit codes. 69 and 75 are sysexits.h's EX_UNAVAILABLE and EX_TEMPFAIL.
const (
	exitFailure     = 1
	exitUsage       = 2
	exitUnreachable = 69
	exitNotAcquired = 75
	exitLost        = 79
)

// usageError says what is wrong with the command line.
type usageError struct {
	text string
	help string // the command that explains it
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
		return fmt.Sprintf("connect to %s: no answer within %v: %s (%s); check that most of its servers run, or raise --connect-timeout",
			e.servers, e.within, noQuorum, e.reason())
	}
	return fmt.Sprintf("connect to %s: no server could be reached within %v (%s); "+
		"check --servers and that ZooKeeper runs there, or raise --connect-timeout", e.servers, e.within, e.reason())
}

func (e *unreachableError) Unwrap() error { return e.err }

// reason is what dialling failed with last. A server that takes the connection
// and then hangs leaves no such trace.
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
	return "none answered"
}

// taskError says what was being done when it failed, as "lock /l", and what can
// be done about it beyond what the reason itself suggests.
type taskError struct {
	task string
	err  error
	hint string
}

func (e *taskError) Error() string {
	line := e.task + ": "
	if path := deniedNode(e.err); path != "" && !strings.Contains(e.task, path) {
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

// during names the task in an error that does not say enough by itself.
func during(task string, err error) error {
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

// named returns the part of err whose text does not begin with prefix, which the
// task says already.
func named(err error, prefix string) error {
	for strings.HasPrefix(err.Error(), prefix) {
		inner := errors.Unwrap(err)
		if inner == nil {
			return &withoutPrefix{err, prefix}
		}
		err = inner
	}
	return err
}

// withoutPrefix is err with a shorter text.
type withoutPrefix struct {
	error
	prefix string
}

func (e *withoutPrefix) Error() string { return strings.TrimPrefix(e.error.Error(), e.prefix) }
func (e *withoutPrefix) Unwrap() error { return e.error }

// problem tells of a failure after which the command goes on.
func (a *app) problem(task string, err error) {
	text := nodeReason(err)
	if hint := advice(err); hint != "" {
		text += "; " + hint
	}
	a.note("%s: %s", task, text)
}

// answer is what to say of one kind of failure.
type answer struct {
	err    error
	reason string // empty: the error's own words
	advice string
}

// answers, the most specific first.
var answers = []answer{
	{session.ErrUnknownOutcome, "the answer of the server was lost: it may or may not have been done",
		`look with "docent config get", and try again if it was not`},
	{errLogin, "", "check --sasl-user, and --sasl-password-file or " + saslPassword},
	{session.ErrAuth, "the server refuses the credentials", "check --auth or DOCENT_AUTH"},
	{session.ErrTooLarge, "", "make it smaller, or keep it elsewhere and put its address here"},
	{session.ErrClosed, "the session was closed", "try again"},
	{session.ErrNoAuth, "no right to do that", "check --auth or DOCENT_AUTH, and the ACL of the node and of its parent"},
	{session.ErrAuthFailed, "the server refuses the credentials", "check --auth or DOCENT_AUTH"},
	{session.ErrInvalidACL, "the server refuses the access control list", "check --auth or DOCENT_AUTH"},
	{barrier.ErrNotGate, "", ""},
	{config.ErrNotKey, "", ""},
	{lock.ErrNotEphemeral, "", "give --mode exclusive a path of its own"},
	{config.ErrNoPast, "there is no such value in the key's history", `list them with "docent config history"`},
	{session.ErrNoNode, "there is no such node", "check the path, and the root in --servers"},
	{session.ErrNodeExists, "the node exists already", "set it without --create, or delete it first"},
	{session.ErrBadVersion, "the node has another version", `read the present one with "docent --json config get" and try again`},
	{session.ErrNotEmpty, "the node has children", `"docent inspect" tells what they are`},
	{session.ErrNoChildrenForEphemerals, "the parent is an ephemeral node, which can have no children", "choose another path"},
}

// needsLogin is the code with which a server answers who has to authenticate first.
const needsLogin = -124

// reason words an error without what the task says already.
func reason(err error) string {
	var path *znode.PathError
	if errors.As(err, &path) {
		return path.Error()
	}
	var code *session.CodeError
	if errors.As(err, &code) { // which says what to do
		if code.Code == needsLogin {
			return fmt.Sprintf("the server serves only clients that have authenticated (SESSIONCLOSEDREQUIRESASLAUTH, %d); "+
				"give --sasl-user, or credentials of a scheme in the server's enforce.auth.schemes with --auth or --tls-cert", needsLogin)
		}
		if errors.Is(err, session.ErrUnknownOutcome) {
			return "it may or may not have been done: " + code.Error()
		}
		return code.Error()
	}
	if a, ok := answerTo(err); ok && a.reason != "" {
		return a.reason
	}
	var op *session.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return strings.Join(strings.Fields(strings.TrimPrefix(err.Error(), "zk: ")), " ")
}

func advice(err error) string {
	var path *znode.PathError
	switch {
	case errors.As(err, &path) && path.Name:
		return "give the name of one node, such as host-1, without a slash"
	case path != nil:
		return "give an absolute path such as /app/name"
	}
	if errors.As(err, new(*session.CodeError)) {
		return "" // the reason has it
	}
	a, _ := answerTo(err)
	return a.advice
}

// answerTo finds the answer to an error. One that says all of it in its own
// words has none.
func answerTo(err error) (answer, bool) {
	if errors.Is(err, errLost) || errors.Is(err, errNotAcquired) {
		return answer{}, false
	}
	for _, a := range answers {
		if errors.Is(err, a.err) {
			return a, true
		}
	}
	return answer{}, false
}

// explain returns the line that an error is told with, and its exit code. What
// others have written into nodes may be part of it.
func explain(err error) (line string, code int) {
	return visible(strings.Join(strings.Fields(err.Error()), " ")), exitCode(err)
}

func exitCode(err error) int {
	var usage *usageError
	var path *znode.PathError
	var unreachable *unreachableError
	var start *child.StartError
	var by *interrupted
	switch {
	case errors.As(err, &by):
		return by.ExitCode()
	case errors.As(err, &usage), errors.As(err, &path):
		return exitUsage
	case errors.As(err, &start):
		return start.Code
	case errors.Is(err, errLost):
		return exitLost
	case errors.Is(err, errNotAcquired):
		return exitNotAcquired
	case errors.As(err, &unreachable), errors.Is(err, session.ErrUnreachable), errors.Is(err, context.DeadlineExceeded):
		return exitUnreachable
	}
	return exitFailure
}
