package observe

import (
	"context"
	"errors"

	"github.com/docent-go/docent/session"
)

// label is a value of a label and the error that it stands for.
type label struct {
	err  error
	text string
}

var causes = []label{
	{session.ErrTrustElapsed, "trust_elapsed"},
	{session.ErrExpired, "expired"},
	{session.ErrDeleted, "deleted"},
	{session.ErrDisconnected, "disconnected"},
	{session.ErrClosed, "closed"},
}

// The first that matches counts: an unknown outcome wraps its reason.
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

func labelOf(err error, labels []label) string {
	for _, l := range labels {
		if errors.Is(err, l.err) {
			return l.text
		}
	}
	return "other"
}

// Cause says why a session or a hold was lost.
func Cause(err error) string { return labelOf(err, causes) }

// Result says what a request came to.
func Result(err error) string {
	if err == nil {
		return "ok"
	}
	return labelOf(err, results)
}

// Wait says what a wait came to. A try that fails without the server's doing has
// met somebody else.
func Wait(w session.WaitInfo, err error) string {
	var op *session.OpError
	switch {
	case err == nil:
		return "acquired"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "gave_up"
	case !w.Try, errors.As(err, &op), errors.Is(err, session.ErrClosed):
		return "failed"
	}
	return "busy"
}
