// Package demo shows the recipes on an embedded server, as a story that checks
// each of its claims itself. A chapter is a file with a function; it is told
// when it stands in the list of chapters.
package demo

import (
	"context"
	"fmt"
	"io"
	"time"
)

// chapter is one part of the story. run returns an error when a claim of the
// chapter's fails.
type chapter struct {
	name  string // in JSON output
	title string
	run   func(ctx context.Context, s *stage) error
}

var chapters = []chapter{
	{"lock", "A lock that several want", contendedLock},
	{"loss", "A holder that is cut off", lostHold},
	{"failover", "A leader that dies", failover},
	{"config", "A configuration that is pushed", configPush},
	{"rollback", "Keys that change together, and a way back", configRollback},
	{"barrier", "Workers that go in rounds", rendezvous},
	{"counter", "A number that many add to", counting},
	{"readers", "Readers and a writer", readers},
	{"permits", "Permits, and a lock that is handed on", permits},
	{"group", "Workers that come and go", workers},
	{"service", "Instances of a service, and ZooKeeper away", services},
	{"queue", "Jobs, and a worker that dies", jobs},
}

// patience bounds the whole story. It takes a fraction of that.
const patience = time.Minute

// Run tells all chapters on w, as text or as one JSON object a line.
func Run(ctx context.Context, w io.Writer, asJSON bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	n := &narrator{w: w, json: asJSON, start: time.Now()}
	n.prologue()
	for i, c := range chapters {
		n.open(i+1, c)
		if err := perform(ctx, c, n); err != nil {
			return fmt.Errorf("chapter %d (%s): %w", i+1, c.name, err)
		}
	}
	n.epilogue()
	return n.err
}

// perform runs one chapter on a server of its own.
func perform(ctx context.Context, c chapter, n *narrator) (err error) {
	s, err := newStage(n)
	if err != nil {
		return err
	}
	defer func() {
		if closed := s.close(); err == nil {
			err = closed
		}
	}()
	return c.run(ctx, s)
}
