// Command scheduler runs a job at fixed times on one of its replicas. Start it
// on as many machines as you like.
//
//	scheduler --id a --every 10s &
//	scheduler --id b --every 10s &
//
// The replicas elect a leader, which alone schedules. When the leader dies,
// another replica continues from the last slot. Each run is claimed in a store
// before it begins, with the number of the leader's term (its fencing token). A
// leader may have been paused and not know yet that it has been replaced: the
// store rejects it. So each slot is run at most once. A slot whose leader died
// after the claim is not run again. The store here is a ZooKeeper node;
// store.go shows the same for a database.
//
// Replicas with a schedule of their own, such as cron's, need no leader:
// lock.Once, or "docent once" in the crontab, runs a job once per interval.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/session"
)

func main() {
	host, _ := os.Hostname() // without a name, the process id must suffice
	servers := flag.String("servers", "127.0.0.1:2181", "ZooKeeper servers as `host:port,host:port/root`")
	id := flag.String("id", fmt.Sprintf("%s-%d", host, os.Getpid()), "name of this replica")
	every := flag.Duration("every", 10*time.Second, "time between two runs")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := start(ctx, *servers, *id, *every); err != nil {
		slog.Error("scheduler ends", "error", err)
		os.Exit(1)
	}
}

func start(ctx context.Context, servers, id string, every time.Duration) error {
	if every <= 0 {
		return fmt.Errorf("--every %v is not positive: give a time such as 10s", every)
	}
	hosts, root, err := session.ParseConnect(servers)
	if err != nil {
		return err
	}
	sm, err := session.Dial(ctx, session.Config{Servers: hosts, Root: root})
	if err != nil {
		return err
	}
	defer sm.Close()
	store, err := openStore(ctx, sm, "/scheduler/record")
	if err != nil {
		return err
	}
	defer store.Close()
	s := &scheduler{id: id, every: every, store: store, log: slog.With("replica", id), job: report}
	return s.run(ctx, sm)
}

// report stands in for the real job. It returns soon after ctx has ended,
// because another replica may lead then.
func report(ctx context.Context, slot time.Time) error {
	slog.InfoContext(ctx, "the job runs", "slot", slot)
	return nil
}

// scheduler is one replica.
type scheduler struct {
	id    string
	every time.Duration
	store Store
	log   *slog.Logger
	job   func(ctx context.Context, slot time.Time) error
}

// run campaigns and schedules until ctx ends.
func (s *scheduler) run(ctx context.Context, sm *session.Manager) error {
	e := election.New(sm, "/scheduler/leader", election.ID(s.id))
	if err := e.Run(ctx, s.lead); ctx.Err() == nil {
		return err
	}
	return nil // ctx has ended, and lead, which returns no error, has returned
}

// lead schedules while this replica leads. If it cannot use the store, it
// resigns, because another replica may be able to: Run then pauses before it
// campaigns again.
func (s *scheduler) lead(ctx context.Context, term *election.Term) error {
	log := s.log.With("term", term.Token())
	last, err := s.store.Fence(ctx, term.Token())
	if err != nil {
		log.Error("cannot lead without the store", "error", err)
		return nil
	}
	log.Info("leads", "last", last)
	for {
		slot := s.next(last, time.Now())
		select {
		case <-ctx.Done():
			log.Info("the term has ended", "cause", context.Cause(ctx))
			return nil
		case <-time.After(time.Until(slot)):
		}
		switch err := s.store.Claim(ctx, term.Token(), slot); {
		case errors.Is(err, ErrStale):
			log.Warn("another replica leads", "error", err)
			return nil
		case err != nil: // the claim may have succeeded: the next term reads the store
			log.Error("the slot could not be claimed", "slot", slot, "error", err)
			return nil
		}
		if err := s.job(ctx, slot); err != nil {
			log.Error("the job failed", "slot", slot, "error", err)
		}
		last = slot
	}
}

// next returns the slot after the last one. Several slots may have been missed,
// without a leader or during a long job: only the newest of them is run.
func (s *scheduler) next(last, now time.Time) time.Time {
	newest := now.Truncate(s.every)
	if last.Before(newest) && !last.IsZero() {
		return newest
	}
	return newest.Add(s.every)
}
