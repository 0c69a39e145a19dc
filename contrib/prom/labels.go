package prom

import (
	"context"
	"errors"

	"github.com/docent-go/docent/session"
)

// label is a value of a label and the error that it stands for. There must be
// few values. contrib/otel has the same ones; a test in recipes_test/contrib
// compares the two modules.
type label struct {
	err  error
	text string
}

var causes = []label{
	{session.ErrTrustElapsed, "trust_elapsed"},
	{session.ErrExpired, "expired"},
	{session.ErrRestored, "restored"},
	{session.ErrDeleted, "deleted"},
	{session.ErrDisconnected, "disconnected"},
	{session.ErrClosed, "closed"},
}

// results are in order: an unknown outcome wraps its reason, and comes first.
var results = []label{
	{session.ErrUnknownOutcome, "unknown_outcome"},
	{session.ErrNoNode, "no_node"},
	{session.ErrNodeExists, "node_exists"},
	{session.ErrBadVersion, "bad_version"},
	{session.ErrNotEmpty, "not_empty"},
	{session.ErrNoAuth, "no_auth"},
	{session.ErrTooLarge, "too_large"},
	{session.ErrSessionEnded, "session_ended"},
	{context.Canceled, "gave_up"},
	{context.DeadlineExceeded, "gave_up"},
}

// labelOf returns the first label whose error err wraps.
func labelOf(err error, labels []label) string {
	for _, l := range labels {
		if errors.Is(err, l.err) {
			return l.text
		}
	}
	return "other"
}

// causeOf labels the loss of a session or of a hold.
func causeOf(err error) string { return labelOf(err, causes) }

// resultOf labels the end of a request.
func resultOf(err error) string {
	if err == nil {
		return "ok"
	}
	return labelOf(err, results)
}

// endOf labels the end of a wait. A try that fails has met another holder,
// unless a request has failed or the caller has cancelled it. The OpError of a
// failed request has a session.
func endOf(w session.WaitInfo, err error) string {
	var op *session.OpError
	switch {
	case err == nil:
		return "acquired"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "gave_up"
	case !w.Try, errors.As(err, &op) && op.Session != 0, errors.Is(err, session.ErrClosed):
		return "failed"
	}
	return "busy"
}
