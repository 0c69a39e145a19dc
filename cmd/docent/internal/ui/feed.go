package ui

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/docent-go/docent/inspect"
)

// feed inspects the tree once for all viewers, while there are any.
type feed struct {
	cfg  Config
	done chan struct{} // closed by close

	mu      sync.Mutex
	viewers int
	stop    context.CancelFunc // ends the inspection; nil while there are no viewers
	work    sync.WaitGroup
	number  uint64        // of the newest message
	report  message       // the newest report
	status  message       // the newest status of the report: confirmed, or trouble
	news    chan struct{} // closed and replaced with every message
	closed  bool
}

// message is a report or its status, ready to be sent.
type message struct {
	number uint64
	event  string // "report", "confirmed", "trouble" or "waiting"
	data   []byte // JSON, on one line
}

func newFeed(cfg Config) *feed {
	return &feed{cfg: cfg, done: make(chan struct{}), news: make(chan struct{})}
}

// join counts a viewer in. view returns the newest report and status with
// greater numbers than a given one, the older first, and a channel that is
// closed with the next message.
func (f *feed) join() (view func(seen uint64) (<-chan struct{}, []message), leave func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.viewers++
	if f.stop == nil && !f.closed {
		ctx, cancel := context.WithCancel(context.Background())
		f.stop = cancel
		// The messages from before the last viewer left are out of date.
		f.number++
		f.report, f.status = message{}, message{f.number, "waiting", []byte("{}")}
		f.work.Go(func() { f.follow(ctx) })
	}
	view = func(seen uint64) (<-chan struct{}, []message) {
		f.mu.Lock()
		defer f.mu.Unlock()
		unseen := slices.DeleteFunc([]message{f.report, f.status}, func(m message) bool { return m.number <= seen })
		slices.SortFunc(unseen, func(a, b message) int { return cmp.Compare(a.number, b.number) })
		return f.news, unseen
	}
	return view, sync.OnceFunc(f.leave)
}

func (f *feed) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.viewers--; f.viewers == 0 && f.stop != nil {
		f.stop()
		f.stop = nil
	}
}

// follow publishes the reports of the inspection.
func (f *feed) follow(ctx context.Context) {
	options := append(slices.Clone(f.cfg.Options), inspect.OnConfirm(func(at time.Time) {
		f.publish(ctx, "confirmed", map[string]time.Time{"at": at})
	}))
	for report, err := range inspect.Changes(ctx, f.cfg.Manager, f.cfg.Path, options...) {
		if err != nil {
			f.publish(ctx, "trouble", map[string]string{"text": err.Error()})
			continue
		}
		f.publish(ctx, "report", report)
	}
}

func (f *feed) publish(ctx context.Context, event string, value any) {
	data, err := json.Marshal(value)
	if err != nil {
		event, data = "trouble", []byte(`{"text":"the report has no JSON form"}`)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() != nil {
		return // this inspection was stopped, and another may run already
	}
	f.number++
	now := message{f.number, event, data}
	if event == "report" {
		f.report = now
	} else {
		f.status = now
	}
	close(f.news)
	f.news = make(chan struct{})
}

// close ends the inspection and all views.
func (f *feed) close() {
	f.mu.Lock()
	if !f.closed {
		f.closed = true
		close(f.done)
		if f.stop != nil {
			f.stop()
			f.stop = nil
		}
	}
	f.mu.Unlock()
	f.work.Wait()
}
