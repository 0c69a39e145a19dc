package queue_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/simulation"
	"github.com/docent-go/docent/internal/testworld"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// TestSimulation has producers and consumers work on one queue while servers
// and networks fail at random, in virtual time. An item that was acknowledged
// never comes again. An item that was put and not acknowledged is never lost.
// Two live claims on one item never exist at a time, and nothing is left over.
// A seed that fails is printed and replays.
func TestSimulation(t *testing.T) {
	for _, seed := range simulation.Seeds(t, 3) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			run(t, func(w world) { simulate(w, seed) }, zktest.WithTick(time.Second))
		})
	}
}

// dice is a source of chance for many goroutines.
type dice struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (d *dice) n(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.IntN(n)
}

func (d *dice) upTo(t time.Duration) time.Duration { return time.Duration(d.n(int(t)) + 1) }

// referee keeps book of every item.
type referee struct {
	t *testing.T

	mu    sync.Mutex
	put   map[string]bool // by data: true when the put was acknowledged, false when its outcome is unknown
	acked map[string]bool
	maybe map[string]bool        // the session ended under its acknowledgement
	claim map[string]*queue.Item // by data: the last one
	token map[string]int64
	taken int
}

func newReferee(t *testing.T) *referee {
	return &referee{
		t: t, put: make(map[string]bool), acked: make(map[string]bool), maybe: make(map[string]bool),
		claim: make(map[string]*queue.Item), token: make(map[string]int64),
	}
}

func (r *referee) begin(item *queue.Item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if item.Err() != nil {
		return // lost as it was won
	}
	data := string(item.Data)
	r.taken++
	if _, known := r.put[data]; !known {
		r.t.Errorf("%s was never put", data)
	}
	if r.acked[data] {
		r.t.Errorf("%s comes again after its acknowledgement", data)
	}
	if last := r.claim[data]; last != nil && last.Err() == nil {
		r.t.Errorf("%s has two live claims", data)
	}
	if item.Token() <= r.token[data] {
		r.t.Errorf("%s: token %d after %d", data, item.Token(), r.token[data])
	}
	r.claim[data], r.token[data] = item, item.Token()
}

func (r *referee) ended(item *queue.Item, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
		r.acked[string(item.Data)] = true
	case errors.Is(err, session.ErrUnknownOutcome):
		r.maybe[string(item.Data)] = true
	case !errors.Is(err, session.ErrLost):
		r.t.Errorf("ack: %v", err)
	}
}

func simulate(w world, seed uint64) {
	d := &dice{r: rand.New(rand.NewPCG(seed, 1))}
	r := newReferee(w.T)
	var calm atomic.Bool
	loseSome(w, d, &calm, 100, 0)
	users := simulatedUsers(w, d, queue.MaxAttempts(8), queue.Limit(200))
	ctx, stop := context.WithCancel(w.Context())
	defer stop()
	var work sync.WaitGroup
	for i, u := range users {
		work.Go(func() { produce(ctx, r, d, u, i) })
		for range 1 + d.n(3) {
			work.Go(func() { consume(ctx, r, d, u) })
		}
	}
	for end := time.Now().Add(4 * time.Minute); time.Now().Before(end); {
		time.Sleep(d.upTo(3 * time.Second))
		disturb(w, d, users[d.n(len(users))].p)
	}
	calm.Store(true)
	healAll(w, users)
	time.Sleep(time.Minute)
	stop()
	work.Wait()
	time.Sleep(time.Minute)
	settleAll(w, r, users[0])
	require.Greater(w, r.taken, 50)
}

// loseSome loses one request in so many until all is calm, and one answer, and delays one
// for long. Each other request takes up to usual, unless that is 0.
func loseSome(w world, d *dice, calm *atomic.Bool, oneIn int, usual time.Duration) {
	w.Srv.Intercept(func(q zktest.Request) zktest.Action {
		if calm.Load() || q.Op == zktest.OpCloseSession {
			return zktest.Pass
		}
		switch d.n(oneIn) {
		case 0:
			return zktest.DropRequest
		case 1:
			return zktest.LoseReply
		case 2:
			return zktest.Delay(d.upTo(2 * time.Second))
		}
		if usual > 0 {
			return zktest.Delay(d.upTo(usual))
		}
		return zktest.Pass
	})
}

// simulatedUsers returns two to five users of one queue, with sessions of all kinds.
func simulatedUsers(w world, d *dice, opts ...queue.Option) []*user {
	var users []*user
	for range 2 + d.n(4) {
		p := w.Process(func(c *session.Config) {
			c.Timeout = 2*time.Second + d.upTo(8*time.Second)
			if d.n(4) == 0 {
				c.LossPolicy = session.OnDisconnect
			}
		})
		users = append(users, &user{queue.New(p.Manager, path, opts...), p, w})
	}
	return users
}

// healAll ends all faults of the server and of the users' networks.
func healAll(w world, users []*user) {
	w.Srv.Thaw()
	for _, u := range users {
		u.p.Link.Heal()
		u.p.Link.Refuse(false)
		u.p.Link.Delay(0)
	}
}

// settleAll takes the remaining items, and compares them with the books.
func settleAll(w world, r *referee, u *user) {
	_, err := u.Redrive(w.Context())
	require.NoError(w, err)
	time.Sleep(time.Hour)
	for {
		item, err := u.TryTake(w.Context())
		if errors.Is(err, queue.ErrEmpty) {
			break
		}
		require.NoError(w, err)
		delete(r.token, string(item.Data)) // a redriven item is another one
		r.begin(item)
		r.ended(item, item.Ack())
	}
	for data, certain := range r.put {
		if certain && !r.acked[data] && !r.maybe[data] {
			w.Errorf("%s is lost", data)
		}
	}
	require.Empty(w, w.Children(path+"/items"))
	require.Empty(w, w.Children(path+"/claims"))
	require.Empty(w, w.Children(path+"/dead"))
}

func produce(ctx context.Context, r *referee, d *dice, u *user, who int) {
	for n := 0; ctx.Err() == nil; {
		items := make([]queue.Msg, 1+d.n(3))
		r.mu.Lock()
		for i := range items {
			data := fmt.Sprintf("%d-%d", who, n)
			n++
			items[i].Data = []byte(data)
			r.put[data] = false
			if d.n(3) == 0 {
				items[i].Opts = append(items[i].Opts, queue.Priority(d.n(5)-2))
			}
			if d.n(3) == 0 {
				items[i].Opts = append(items[i].Opts, queue.Delay(d.upTo(10*time.Second)))
			}
		}
		r.mu.Unlock()
		wait, cancel := context.WithTimeout(ctx, d.upTo(10*time.Second))
		ids, err := u.PutBatch(wait, items...)
		if err != nil && wait.Err() == nil && !errors.Is(err, session.ErrUnknownOutcome) {
			r.t.Errorf("put: %v", err)
		}
		cancel()
		r.mu.Lock()
		for i := range ids {
			r.put[string(items[i].Data)] = true
		}
		r.mu.Unlock()
		pause(ctx, d.upTo(2*time.Second))
	}
}

func consume(ctx context.Context, r *referee, d *dice, u *user) {
	for ctx.Err() == nil {
		wait, cancel := context.WithTimeout(ctx, d.upTo(10*time.Second))
		take := u.Take
		if d.n(4) == 0 {
			take = u.TryTake
		}
		item, err := take(wait)
		gaveUp := wait.Err() != nil
		cancel()
		if err != nil {
			if !gaveUp && !errors.Is(err, queue.ErrEmpty) {
				r.t.Errorf("take: %v", err)
			}
			continue
		}
		r.begin(item)
		pause(item.Context(), d.upTo(time.Second))
		if d.n(4) == 0 {
			pause(ctx, d.upTo(2*time.Second)) // does not listen to the end of the claim
		}
		switch d.n(12) {
		case 0:
			err = item.Release()
		case 1:
			err = item.Release(queue.After(d.upTo(5 * time.Second)))
		case 2:
			err = item.Release(queue.WithoutAttempt())
		case 3:
			err = item.Reject("by chance")
		default:
			r.ended(item, item.Ack())
		}
		if err != nil && !errors.Is(err, session.ErrLost) {
			r.t.Errorf("release: %v", err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// disturb does one thing to the server or to a process's network, or undoes all.
func disturb(w world, d *dice, p *testworld.Process) {
	var id int64
	if sessions := w.Srv.Sessions(); len(sessions) > 0 {
		id = sessions[d.n(len(sessions))].ID
	}
	switch d.n(12) {
	case 0, 1:
		p.Link.Cut([]zktest.Direction{zktest.ToServer, zktest.ToClient, zktest.Both}[d.n(3)])
	case 2, 3, 4:
		p.Link.Heal()
		p.Link.Refuse(false)
	case 5:
		p.Link.Disconnect()
	case 6:
		p.Link.Refuse(true)
		p.Link.Disconnect()
	case 7:
		w.Srv.Freeze()
		time.Sleep(d.upTo(4 * time.Second))
		w.Srv.Thaw()
	case 8:
		w.Srv.Lag(id)
		time.Sleep(d.upTo(time.Second))
		w.Srv.CatchUp(id)
	case 9:
		p.Link.Delay(d.upTo(300 * time.Millisecond))
	case 10:
		w.Srv.Restart()
	case 11:
		for _, name := range []string{"/claims", "/items", "/dead"} {
			if info, found := w.Srv.Node(path + name); found && len(info.Children) == 0 && strings.HasPrefix(name, "/") {
				w.Remove(path + name) // as the server reaps containers
				break
			}
		}
	}
	synctest.Wait()
}
