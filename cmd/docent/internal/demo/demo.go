// Package demo shows the recipes on an embedded server, as a story that checks
// its own claims. A chapter is a file with a function, which the list of
// chapters names.
package demo

import (
	"context"
	"fmt"
	"io"
	"time"
)

// chapter is one part of the story. run returns an error if a claim does not
// hold.
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

// patience limits the whole story, which takes a fraction of that time.
const patience = time.Minute

// Run plays all chapters and prints them on w, as text or with a JSON object
// per line. It stops with an error when a claim does not hold or ctx ends.
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
