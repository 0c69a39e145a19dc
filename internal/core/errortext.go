package core

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
)

// reason returns the text of e's reason without what e says already. A reason
// often is the error of a request that the operation has sent, which names its
// own operation, path and session, as in "watch leader /a: list children /a: …".
func (e *OpError) reason() string {
	text := reasonText(e.Err)
	for _, inner := range within(e.Err) {
		text = strings.ReplaceAll(text, inner.Op+" "+inner.Path+": ", e.names(inner))
	}
	if e.Session != 0 {
		text = strings.ReplaceAll(text, e.inSession(), "")
	}
	return strings.ReplaceAll(text, " "+e.Path+")", ")") // of a transaction: "op 1 (set /a)"
}

// inSession is the session at the end of e's text.
func (e *OpError) inSession() string { return fmt.Sprintf(" (session %v)", SessionID(e.Session)) }

// Inside returns err with a text for a place that names path already. It returns
// nil for nil.
func Inside(path string, err error) error {
	if err == nil {
		return nil
	}
	return Worded((&OpError{Path: path, Err: err}).reason(), err)
}

// Worded returns an error with a text of its own, which matches the errors.
func Worded(text string, errs ...error) error { return &worded{text, errs} }

// names returns how the reason of e names the operation of an inner error.
func (e *OpError) names(inner *OpError) string {
	same := inner.Path == e.Path
	_, wraps := inner.Err.(*OpError)
	switch {
	case same && strings.HasPrefix(e.Op, inner.Op+" "): // "set" of "set key"
		return ""
	case same && inner.Err == ErrNoNode: // whatever the request was
		return ""
	case inner.Op == opRelease && (same || !wraps): // e releases the hold
		return ""
	case inner.Op == opRelease: // one of several holds, perhaps
		return inner.Path + ": "
	case wraps && inner.prepares(): // the inner error of this one says more
		return ""
	case (same || strings.HasPrefix(inner.Path, e.Path+"/")) && endedBefore(inner.Err): // the servers have nothing against this request
		return ""
	case inner.Op == e.Op: // as for the locks of a lock.Multi
		return inner.Path + ": "
	case same && inner.Op == opCreateBelow:
		return "create a child: "
	case same:
		return inner.Op + ": "
	}
	return inner.Op + " " + inner.Path + ": "
}

// Operations of requests.
const (
	opCreateBelow   = "create below"   // its path is the directory
	opCreateParents = "create parents" // creates a directory
	opClaim         = "claim"
	opRelease       = "release" // of a hold
)

// prepares reports whether e's operation sends requests for other znodes, such as
// missing parents.
func (e *OpError) prepares() bool {
	return e.Op == opCreateBelow || e.Op == opCreateParents || e.Op == opClaim
}

// endedBefore reports whether an operation failed without an answer to its
// requests, and certainly has changed nothing.
func endedBefore(err error) bool {
	if errors.Is(err, ErrUnknownOutcome) {
		return false
	}
	for _, end := range []error{ErrSessionEnded, ErrClosed, ErrUnreachable, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}

// answers are the texts of common answers of a server, in place of the client's.
// "not authenticated" would be said of a session that has credentials, but not
// the right.
var answers = map[error]string{
	ErrNoNode:                  "the znode does not exist",
	ErrNodeExists:              "the znode exists already",
	ErrBadVersion:              "the znode has another version",
	ErrNotEmpty:                "the znode has children",
	ErrNoChildrenForEphemerals: "the parent is an ephemeral znode, such as a one-node lock, and can have no children; choose another path",
	ErrNoAuth:                  "the ACL denies access",
	ErrInvalidACL: "the server rejects the ACL: an entry is malformed or has an unknown scheme, or CreatorACL is used without " +
		"credentials; set Auth, SASL or a client certificate in the session's Config",
}

// reasonText returns the text of a reason.
func reasonText(err error) string {
	text := err.Error()
	for answer, said := range answers {
		text = strings.ReplaceAll(text, answer.Error(), said)
	}
	return strings.TrimPrefix(text, "zk: ")
}

// notAgain returns the error of a dial without the address, which the caller
// says. The error of package net says it too.
func notAgain(err error, t target) error {
	dial, ok := err.(*net.OpError)
	if ok && dial.Op == "dial" && (dial.Addr == nil || dial.Addr.String() == t.addr) {
		return Worded(dial.Err.Error(), err)
	}
	return err
}

// lookUpError returns the error of looking up a host. The error of package net
// says the host too.
func lookUpError(host string, err error) error {
	dns, ok := err.(*net.DNSError)
	switch {
	case !ok:
		return fmt.Errorf("look up %s: %w", host, err)
	case dns.Server != "":
		host += " on " + dns.Server
	}
	return fmt.Errorf("look up %s: %w", host, Worded(dns.Err, err))
}

// worded is an error with another text.
type worded struct {
	text string
	errs []error
}

func (w *worded) Error() string   { return w.text }
func (w *worded) Unwrap() []error { return w.errs }

// within returns the OpErrors in an error's tree, the outer ones first.
func within(err error) (all []*OpError) {
	if op, ok := err.(*OpError); ok {
		all = append(all, op)
	}
	switch wraps := err.(type) {
	case interface{ Unwrap() error }:
		all = append(all, within(wraps.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, err := range wraps.Unwrap() {
			all = append(all, within(err)...)
		}
	}
	return all
}
