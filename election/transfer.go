package election

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/waitqueue"
)

// Errors of Transfer, and the cause of a term that was transferred.
var (
	// ErrTransferred is the cause with which the context of Run's function ends
	// when a Transfer has named another candidate.
	ErrTransferred = errors.New("the leadership was transferred to another candidate")
	// ErrNoCandidate says that no candidate has the id, or that the candidate
	// has gone before it led.
	ErrNoCandidate = errors.New("there is no such candidate")
	// ErrTransferTimeout says that the leader had not resigned when ctx ended.
	ErrTransferTimeout = errors.New("the present leader has not resigned")
	// ErrTransferSuperseded says that another Transfer was called, later or at
	// the same time.
	ErrTransferSuperseded = errors.New("another transfer was requested")
	// ErrInterrupted says that the request ended before it was fulfilled,
	// although no other Transfer was called: its session ended, or another
	// client deleted its znode.
	ErrInterrupted = errors.New("the transfer request ended before it was fulfilled: check who leads, and transfer again")
	// ErrNotTransferable says that the OneNode layout has no queue of
	// candidates, so that Transfer cannot choose one.
	ErrNotTransferable = errors.New("the OneNode layout has no queue of candidates: a transfer needs another layout")
)

// Transfer makes the candidate with the id the leader. It asks the present
// leader to resign (see Run and Term.Transferred). Candidates before the named
// one let it pass, and join again as the last. Transfer returns nil when the
// named candidate is first, at once if it is first already. If several
// candidates have the id, it names the first of them.
//
// ctx bounds the call. The request lasts as long as the call. When ctx ends,
// the request is withdrawn in the background. The error matches ctx.Err() and
// context.Cause(ctx). If there is a leader, it also matches ErrTransferTimeout
// and names the leader. A leader that has been asked may still resign. While
// this process is cut off from the ensemble, the request can still be
// fulfilled, until the session has ended.
//
// The request names a candidate of the present moment. If that candidate goes
// before it leads, the request is void: the error matches ErrNoCandidate, and
// lists the candidates. If Transfer is called several times, the last call
// counts, and the earlier calls return ErrTransferSuperseded. A Transfer to the
// present leader also ends an earlier request.
//
// The request belongs to one session and to one state of the queue. It is never
// made again in a later session, nor after another Transfer: an old request
// must not depose the leader that a newer request has named. When the session
// ends, Transfer reads the leader. Unless the named candidate leads, the error
// matches ErrInterrupted and session.ErrSessionEnded. The caller decides
// whether to transfer again. The error is also ErrInterrupted if another client
// has deleted the request's znode.
//
// Candidates in Java do not know transfers: a Java candidate that leads or is
// first keeps its place until it goes by itself.
//
// Other errors: ErrNotTransferable; session.ErrNotEphemeral if a znode without a
// session is in the place of the request; session.ErrClosed; an invalid path or
// option; session.ErrNoAuth if the session may not list the directory, write to
// it, or create in it. Transfer is safe for concurrent use.
func (e *Election) Transfer(ctx context.Context, id string) error {
	e.made()
	if err := e.transfer(ctx, id); err != nil {
		return e.failed("transfer leadership", fmt.Errorf("to %q: %w", id, err))
	}
	return nil
}

func (e *Election) transfer(ctx context.Context, id string) error {
	switch {
	case e.err != nil:
		return e.err
	case e.requests == nil:
		return ErrNotTransferable
	}
	r, leads, err := e.request(ctx, id)
	if err != nil {
		return err
	}
	// The request is made on a separate goroutine. If the caller stops waiting,
	// that goroutine withdraws the request.
	made := make(chan error)
	go func() {
		err := r.make(leads)
		select {
		case made <- err:
		case <-ctx.Done():
			r.withdraw()
		}
	}()
	select {
	case err = <-made:
	case <-ctx.Done():
		return ctxend.Err(ctx)
	}
	if err == nil && !leads {
		defer func() { go r.withdraw() }()
		err = r.wait(ctx)
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && r.leads != "":
		return fmt.Errorf("%w (%s leads): %w", ErrTransferTimeout, r.leads, ctxend.Err(ctx))
	case errors.Is(err, core.ErrSessionEnded) && !errors.Is(err, core.ErrClosed):
		return r.aftermath(ctx, err)
	}
	return ctxend.Join(ctx, err)
}

// request reads the queue, in the first session in which that succeeds. It
// writes nothing.
func (e *Election) request(ctx context.Context, id string) (r *request, leads bool, err error) {
	for n := 0; ; n++ {
		if err := retryPauses.Wait(ctx, n-1); err != nil {
			return nil, false, ctxend.Join(ctx, err)
		}
		s, err := e.sm.Session(ctx)
		if err == nil {
			r = &request{election: e, session: s, id: id}
			if leads, err = r.look(ctx); err == nil {
				return r, leads, nil
			}
		}
		if ctx.Err() != nil || errors.Is(err, core.ErrClosed) || !errors.Is(err, core.ErrSessionEnded) {
			return nil, false, ctxend.Join(ctx, err)
		}
	}
}

// called returns the name of a candidate in errors: its id in quotes, or its
// znode's name if the id may not be read.
func called(c waitqueue.Contender) string {
	if c.Hidden {
		_, node := znode.Split(c.Path)
		return node + " (its ACL hides the id)"
	}
	if len(c.Data) > maxShown {
		return fmt.Sprintf("%.*q… (%d bytes)", maxShown, c.Data, len(c.Data))
	}
	return fmt.Sprintf("%q", c.Data)
}

// maxShown is how much of an id an error shows. Any program may have written
// it.
const maxShown = 64

// maxNames is the maximum number of candidates that an error names.
const maxNames = 8

func noCandidate(more string, all []waitqueue.Contender) error {
	names := make([]string, 0, maxNames+1)
	for _, c := range all[:min(len(all), maxNames)] {
		names = append(names, called(c))
	}
	switch {
	case len(all) == 0:
		return fmt.Errorf("%w%s; the election has no candidates", ErrNoCandidate, more)
	case len(all) > maxNames:
		names = append(names, fmt.Sprintf("and %d more", len(all)-maxNames))
	}
	return fmt.Errorf("%w%s; the candidates are %s", ErrNoCandidate, more, strings.Join(names, ", "))
}
