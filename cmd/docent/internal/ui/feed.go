package ui

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/docent-go/docent/inspect"
)

// feed inspects the tree once for all viewers, while there are any and a little
// longer. An inspection keeps to a rate of requests. If it ended with each last
// viewer, a viewer that comes and goes would begin an inspection each time.
type feed struct {
	cfg      Config
	timeline *timeline
	done     chan struct{} // closed by close

	mu     sync.Mutex
	seats  map[*seat]struct{}
	stop   context.CancelFunc // ends the inspection; nil without one
	idle   *time.Timer        // calls endIdle; nil while there are viewers
	work   sync.WaitGroup
	number uint64         // of the newest message
	newest [slots]message // of each slot
	news   chan struct{}  // closed and replaced with every message
	closed bool
}

// slot is a kind of message. A viewer gets the newest message of each slot.
type slot int

const (
	reports  slot = iota
	problems      // in the newest report
	status        // of the newest report: confirmed, or trouble
	slots
)

// message is a report or another event, ready to be sent. All viewers share its
// bytes.
type message struct {
	number uint64
	frame  []byte
}

// seat is the place of one viewer. It keeps no queue. While the viewer takes a
// report, a newer one replaces all that it has not begun to take.
type seat struct {
	feed     *feed
	deadline func(time.Time) error // limits the write that is under way, and later ones

	// Guarded by feed.mu.
	seen  uint64
	takes *message // what is being sent, or nil
	cut   bool
}

func newFeed(cfg Config) *feed {
	return &feed{cfg: cfg, timeline: newTimeline(), done: make(chan struct{}), seats: make(map[*seat]struct{}), news: make(chan struct{})}
}

// join counts a viewer in. deadline sets the time at which a write to the
// viewer fails.
func (f *feed) join(deadline func(time.Time) error) *seat {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := &seat{feed: f, deadline: deadline}
	f.seats[v] = struct{}{}
	if f.idle != nil {
		f.idle.Stop()
		f.idle = nil
	}
	if f.stop == nil && !f.closed {
		ctx, cancel := context.WithCancel(context.Background())
		f.stop = cancel
		// The messages of the inspection before are out of date.
		f.number++
		f.newest = [slots]message{status: newMessage(f.number, "waiting", []byte("{}"))}
		f.work.Go(func() { f.follow(ctx) })
	}
	return v
}

// next returns the oldest message that the viewer has not seen, of the newest
// ones, and a channel that is closed with the next message.
func (v *seat) next() (<-chan struct{}, message, bool) {
	f := v.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	var first message
	for _, m := range f.newest {
		if m.number > v.seen && (first.number == 0 || m.number < first.number) {
			first = m
		}
	}
	if first.number == 0 {
		return f.news, first, false
	}
	v.seen = first.number
	return f.news, first, true
}

// sending counts the bytes of a message as kept for the viewer, and limits the
// next write. It fails if the viewer was cut off.
func (v *seat) sending(m message, until time.Time) error {
	v.feed.mu.Lock()
	defer v.feed.mu.Unlock()
	if v.cut {
		return os.ErrDeadlineExceeded
	}
	v.takes = &m
	return v.deadline(until)
}

// sent counts the message out.
func (v *seat) sent() {
	v.feed.mu.Lock()
	defer v.feed.mu.Unlock()
	v.takes = nil
}

// cutOff ends the write that is under way. The caller has feed.mu.
func (v *seat) cutOff() {
	v.cut = true
	v.takes = nil
	_ = v.deadline(time.Unix(1, 0)) // fails if the connection has ended
}

// leave counts the viewer out.
func (v *seat) leave() {
	f := v.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.seats, v)
	if len(f.seats) == 0 && f.stop != nil && f.idle == nil {
		f.idle = time.AfterFunc(f.cfg.limits.linger, f.endIdle)
	}
}

// endIdle ends the inspection, unless a viewer has come.
func (f *feed) endIdle() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.seats) == 0 && f.stop != nil {
		f.idle = nil
		f.stop()
		f.stop = nil
	}
}

// follow publishes the reports of the inspection, and the problems in them.
func (f *feed) follow(ctx context.Context) {
	w := newWatch(f.cfg.Thresholds)
	var last []byte
	tell := func(all []problemJSON) {
		if data, err := json.Marshal(all); err != nil || !bytes.Equal(data, last) {
			last = data
			f.publish(ctx, problems, "problems", map[string][]problemJSON{"problems": all})
		}
	}
	options := append(slices.Clone(f.cfg.Options), inspect.OnConfirm(func(at time.Time) {
		f.timeline.confirm(at)
		f.publish(ctx, status, "confirmed", map[string]time.Time{"at": at})
		tell(w.problems(at))
	}))
	defer f.timeline.interrupt()
	for report, err := range inspect.Changes(ctx, f.cfg.Manager, f.cfg.Path, options...) {
		if err != nil {
			f.timeline.interrupt()
			f.publish(ctx, status, "trouble", troubleOf(err))
			continue
		}
		f.timeline.see(report)
		f.publish(ctx, reports, "report", report)
		tell(w.see(report))
	}
}

// troubleJSON is why the newest report may be out of date.
type troubleJSON struct {
	Text string `json:"text"`
	// Silent says that there is no answer. Otherwise there was an error.
	Silent   bool `json:"silent,omitempty"`
	NoQuorum bool `json:"noQuorum,omitempty"`
}

func troubleOf(err error) troubleJSON {
	var trouble *inspect.TroubleError
	if errors.As(err, &trouble) {
		return troubleJSON{Text: trouble.Error(), Silent: true, NoQuorum: trouble.NoQuorum}
	}
	return troubleJSON{Text: err.Error()}
}

func (f *feed) publish(ctx context.Context, to slot, event string, value any) {
	data, err := json.Marshal(value)
	if err != nil {
		to, event, data = status, "trouble", []byte(`{"text":"the report has no JSON form"}`)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() != nil {
		return // this inspection was stopped, and another may run already
	}
	f.number++
	f.newest[to] = newMessage(f.number, event, data)
	if to != status {
		f.forget()
	}
	close(f.news)
	f.news = make(chan struct{})
}

func newMessage(number uint64, event string, data []byte) message {
	return message{number, fmt.Appendf(nil, "event: %s\ndata: %s\n\n", event, data)}
}

// forget cuts off the viewers that still take the oldest reports, until the
// reports that are kept for slow viewers fit in the limit. The caller has mu.
func (f *feed) forget() {
	kept, total := f.superseded()
	for _, number := range slices.Sorted(maps.Keys(kept)) {
		if total <= f.cfg.limits.superseded {
			return
		}
		total -= kept[number]
		for v := range f.seats {
			if v.takes != nil && v.takes.number == number {
				v.cutOff()
			}
		}
	}
}

// superseded returns the bytes of each older message that is kept for a viewer,
// and of all. The caller has mu.
func (f *feed) superseded() (kept map[uint64]int, total int) {
	kept = make(map[uint64]int)
	for v := range f.seats {
		if m := v.takes; m != nil && m.number != 0 && kept[m.number] == 0 && !f.isNewest(m.number) {
			kept[m.number] = len(m.frame)
			total += len(m.frame)
		}
	}
	return kept, total
}

func (f *feed) isNewest(number uint64) bool {
	return slices.ContainsFunc(f.newest[:], func(m message) bool { return m.number == number })
}

// close ends the inspection and all views.
func (f *feed) close() {
	f.mu.Lock()
	if !f.closed {
		f.closed = true
		close(f.done)
		for v := range f.seats {
			if v.takes != nil {
				v.cutOff()
			}
		}
		if f.idle != nil {
			f.idle.Stop()
			f.idle = nil
		}
		if f.stop != nil {
			f.stop()
			f.stop = nil
		}
	}
	f.mu.Unlock()
	f.work.Wait()
}
