package election

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/znode"
)

// What a Transfer can come to.
var (
	// ErrTransferred is the cause with which the context of Run's function ends
	// when somebody has named another leader.
	ErrTransferred = errors.New("the leadership was transferred to another candidate")
	// ErrNoCandidate says that no candidate of the name stands, or that it has
	// gone before it led.
	ErrNoCandidate = errors.New("there is no such candidate")
	// ErrStillLeads says that the leader had not stepped down when ctx ended.
	ErrStillLeads = errors.New("the present leader has not stepped down")
	// ErrOverruled says that another Transfer was asked for, later or at the same
	// time.
	ErrOverruled = errors.New("another transfer was asked for")
	// ErrInterrupted says that the request ended before it was fulfilled, although
	// no other Transfer was asked for: its session ended, or another client deleted
	// its znode.
	ErrInterrupted = errors.New("the transfer request ended before it was fulfilled: look who leads, and ask again")
	// ErrNoLine is what Transfer returns in the OneNode layout.
	ErrNoLine = errors.New("nobody stands in line in the OneNode layout: a transfer needs another layout")
)

// Transfer makes the candidate with the id the leader: the present leader is
// asked to step down (Run, Term.Transferred), and those who come before the
// named one let it pass, by lining up again at the end. It returns nil when the
// named one is first in line, at once if it is so already. Of several with the
// id the first in line is meant.
//
// ctx bounds all of it. The wish lasts as long as the call: when ctx ends, it is withdrawn
// in the background, and the error matches ctx.Err() and ErrStillLeads and names who leads; a leader
// that was asked before does not take back that it steps down. While we are cut
// off, the wish can still come true, until our session has ended.
//
// It means the candidate that stands now. If that one goes before it leads, the
// wish is void, and the error matches ErrNoCandidate and says who stands. Of
// several transfers the last one counts; the earlier ones return ErrOverruled.
// That holds for a Transfer to the present leader, too: it ends an earlier one.
//
// The wish belongs to one session and to the line as the call has seen it. It is
// never made again in a later session, nor after another Transfer: an old wish
// must not depose the leader that a newer one has named. When the session ends,
// Transfer looks who leads; unless the candidate does, the error matches
// ErrInterrupted, and session.ErrSessionEnded. The caller decides whether to ask
// again. A znode of the wish that another client has deleted is ErrInterrupted,
// too.
//
// Candidates in Java know nothing of transfers: one that leads or comes first
// keeps its place until it goes by itself.
//
// Other errors: session.ErrClosed; an invalid path; session.ErrNoAuth when we may
// not list the directory, write to it, or create in it.
func (e *Election) Transfer(ctx context.Context, id string) error {
	e.made()
	if err := e.transfer(ctx, id); err != nil {
		return fmt.Errorf("transfer %s to %q: %w", e.path, id, err)
	}
	return nil
}

func (e *Election) transfer(ctx context.Context, id string) error {
	switch {
	case e.err != nil:
		return e.err
	case e.wishes == nil:
		return ErrNoLine
	}
	r, leads, err := e.request(ctx, id)
	if err != nil {
		return err
	}
	// The request is made on a goroutine of its own: a caller that stops waiting
	// must leave none behind.
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
		return line.GaveUp(ctx, ctx.Err())
	}
	if err == nil && !leads {
		defer func() { go r.withdraw() }()
		err = r.wait(ctx)
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && r.leads != "":
		return fmt.Errorf("%w (%s leads): %w", ErrStillLeads, r.leads, line.GaveUp(ctx, ctx.Err()))
	case errors.Is(err, core.ErrSessionEnded) && !errors.Is(err, core.ErrClosed):
		return r.aftermath(ctx, err)
	}
	return line.GaveUp(ctx, err)
}

// request looks at the line, in whatever session it can. Nothing has been asked
// for until then.
func (e *Election) request(ctx context.Context, id string) (r *request, leads bool, err error) {
	for n := 0; ; n++ {
		if err := line.Pause(ctx, n-1, leastRetry, mostRetry); err != nil {
			return nil, false, line.GaveUp(ctx, err)
		}
		s, err := e.sm.Session(ctx)
		if err == nil {
			r = &request{election: e, session: s, id: id}
			if leads, err = r.look(ctx); err == nil {
				return r, leads, nil
			}
		}
		if ctx.Err() != nil || errors.Is(err, core.ErrClosed) || !errors.Is(err, core.ErrSessionEnded) {
			return nil, false, line.GaveUp(ctx, err)
		}
	}
}

// called returns what an error calls a candidate: by its id, in quotes, or by its
// znode if the id may not be read.
func called(c line.Contender) string {
	if c.Hidden {
		_, node := znode.Split(c.Path)
		return node + " (its ACL hides the id)"
	}
	return fmt.Sprintf("%q", c.Data)
}

// mostNames is how many candidates an error names.
const mostNames = 8

func noCandidate(more string, all []line.Contender) error {
	names := make([]string, 0, mostNames+1)
	for _, c := range all[:min(len(all), mostNames)] {
		names = append(names, called(c))
	}
	switch {
	case len(all) == 0:
		return fmt.Errorf("%w%s; nobody stands", ErrNoCandidate, more)
	case len(all) > mostNames:
		names = append(names, fmt.Sprintf("and %d more", len(all)-mostNames))
	}
	return fmt.Errorf("%w%s; in line are %s", ErrNoCandidate, more, strings.Join(names, ", "))
}
