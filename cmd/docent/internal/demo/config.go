package demo

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
)

// limits is the configuration of the chapter.
type limits struct {
	QPS int `json:"qps"`
}

func (l limits) check() error {
	if l.QPS <= 0 {
		return fmt.Errorf("qps is %d, and must be above zero", l.QPS)
	}
	return nil
}

// configPush: three processes follow one key. All of them get a good value,
// refuse a bad one, and get the next good one.
func configPush(ctx context.Context, s *stage) error {
	const path = "/demo/limits"
	operator, err := s.enter(ctx, "operator")
	if err != nil {
		return err
	}
	store := config.NewStore(operator.Manager, "/")
	s.say("operator", `publishes {"qps":100}`)
	if _, err := store.Create(ctx, path, []byte(`{"qps":100}`)); err != nil {
		return err
	}
	f, err := s.follow(ctx, path, "web1", "web2", "batch")
	if err != nil {
		return err
	}
	defer f.stop()
	for _, step := range []struct {
		push  string // nothing: it is there already
		qps   int
		bad   bool
		claim string
	}{
		{"", 100, false, "all three have 100 queries per second"},
		{`{"qps":-5}`, 100, true, "the bad value was rejected by all three; they keep the last good one"},
		{`{"qps":250}`, 250, false, "all three have the next good value, in one load of memory"},
	} {
		if step.push != "" {
			s.say("operator", "publishes %s", step.push)
			if _, err := store.Set(ctx, path, []byte(step.push), session.AnyVersion); err != nil {
				return err
			}
		}
		holds, err := f.all(ctx, step.qps, step.bad)
		if err != nil {
			return err
		}
		if err := s.claim(holds, "%s", step.claim); err != nil {
			return err
		}
	}
	return nil
}

// followers are processes that follow a key.
type followers struct {
	values []*config.Value[limits]
	news   []chan bool // true for a bad value
	stop   func()
}

// follow starts followers, each in a process of its own.
func (s *stage) follow(ctx context.Context, path string, names ...string) (*followers, error) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	f := &followers{}
	f.stop = func() {
		cancel()
		running.Wait()
		for _, value := range f.values {
			_ = value.Close() // never fails
		}
	}
	for _, name := range names {
		p, err := s.enter(ctx, name)
		var value *config.Value[limits]
		if err == nil {
			value, err = config.Open(ctx, p.Manager, path, config.JSON[limits](), config.Validate(limits.check))
		}
		if err != nil {
			f.stop()
			return nil, err
		}
		news := make(chan bool, 16)
		f.values, f.news = append(f.values, value), append(f.news, news)
		running.Go(func() {
			for snap, err := range value.Changes(ctx) {
				var bad *config.BadValueError
				if errors.As(err, &bad) {
					s.say(name, "REJECTS version %d (%v) and keeps %d", bad.Version, bad.Err, snap.Value.QPS)
				} else if err == nil {
					s.say(name, "has %d (version %d)", snap.Value.QPS, snap.Version)
				}
				select {
				case news <- err != nil:
				case <-ctx.Done():
				}
			}
		})
	}
	return f, nil
}

// all waits until every follower has seen a change. It reports whether all
// changes were of the expected kind, and all followers have the value now.
func (f *followers) all(ctx context.Context, qps int, bad bool) (bool, error) {
	holds := true
	for i, news := range f.news {
		was, err := await(ctx, "the news to arrive", news)
		if err != nil {
			return false, err
		}
		holds = holds && was == bad && f.values[i].Load().Value.QPS == qps
	}
	return holds, nil
}
