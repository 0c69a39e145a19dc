package prom_test

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/contrib/prom"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// values gathers what a collector says, one entry for each series: counters and
// gauges by their value, histograms by count and sum.
func values(t require.TestingT, c prometheus.Collector) map[string]float64 {
	r := prometheus.NewPedanticRegistry()
	require.NoError(t, r.Register(c))
	families, err := r.Gather()
	require.NoError(t, err)
	all := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			sort.Strings(labels)
			key := strings.TrimPrefix(f.GetName(), "docent_") + "{" + strings.Join(labels, ",") + "}"
			switch {
			case m.GetHistogram() != nil:
				all[key+" count"] = float64(m.GetHistogram().GetSampleCount())
				all[key+" sum"] = m.GetHistogram().GetSampleSum()
			case m.GetCounter() != nil:
				all[key] = m.GetCounter().GetValue()
			default:
				all[key] = m.GetGauge().GetValue()
			}
		}
	}
	return all
}

// subset requires some of the series; zero stands for one that is missing too.
func subset(t require.TestingT, c prometheus.Collector, want map[string]float64) {
	got := values(t, c)
	for key, value := range want {
		require.InDelta(t, value, got[key], 1e-9, "%s of %v", key, got)
	}
}

func observed(c *prom.Collector) func(*session.Config) {
	return func(cfg *session.Config) { cfg.Hooks = append(cfg.Hooks, c) }
}

var orders = prom.Names(prom.Below(map[string]string{"/locks/orders": "orders"}))

func TestWaitsAndHolds(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := prom.New(orders)
		p := w.Process(observed(c))
		m := lock.NewMutex(p.Manager, "/locks/orders")
		h, err := m.Lock(w.Context())
		require.NoError(w, err)
		second, third := testworld.Go(w, m.Lock), testworld.Go(w, m.Lock)
		subset(w, c, map[string]float64{
			"waiting{name=orders}": 2, "holds{name=orders}": 1, "holds_acquired_total{name=orders}": 1,
			"wait_duration_seconds{name=orders,result=acquired} count": 1,
		})
		_, err = m.TryLock(w.Context())
		require.ErrorIs(w, err, lock.ErrHeld)
		time.Sleep(30 * time.Second)
		_, err = third.GiveUp()
		require.Error(w, err)
		require.NoError(w, h.Release())
		h = second.Get()
		synctest.Wait()
		subset(w, c, map[string]float64{
			"waiting{name=orders}": 0, "holds{name=orders}": 1, "holds_acquired_total{name=orders}": 2,
			"wait_duration_seconds{name=orders,result=acquired} count": 2,
			"wait_duration_seconds{name=orders,result=acquired} sum":   30,
			"wait_duration_seconds{name=orders,result=gave_up} count":  1,
			"wait_duration_seconds{name=orders,result=gave_up} sum":    30,
			"wait_duration_seconds{name=orders,result=busy} count":     1,
			"hold_duration_seconds{name=orders} count":                 1,
			"hold_duration_seconds{name=orders} sum":                   30,
		})
		w.Remove(h.Path())
		<-h.Done()
		synctest.Wait()
		other, err := lock.NewMutex(p.Manager, "/locks/users").Lock(w.Context())
		require.NoError(w, err)
		subset(w, c, map[string]float64{
			"holds{name=orders}": 0, "holds_lost_total{cause=deleted,name=orders}": 1,
			"hold_duration_seconds{name=orders} count": 2,
			"holds{name=unnamed}":                      1,
		})
		require.NoError(w, other.Release())
		require.ErrorIs(w, h.Release(), session.ErrLost)
	})
}

func TestSessions(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := prom.New(orders)
		p := w.Process(observed(c))
		synctest.Wait()
		require.Equal(w, map[string]float64{
			"session_state{state=connected}": 1, "session_state{state=suspended}": 0,
			"session_state{state=lost}": 0, "session_state{state=closed}": 0,
			"sessions_opened_total{}":                  1,
			"sessions_lost_total{cause=trust_elapsed}": 0, "sessions_lost_total{cause=expired}": 0,
			"session_confirmed{}": 1, "session_timeout_seconds{}": 10,
			"session_deadline_seconds{}": (10*time.Second - 10*time.Second*25/60).Seconds(), // no time has passed
			"probes_total{result=ok}":    0, "probes_total{result=failed}": 0,
			"answers_total{class=done}": 0, "answers_total{class=refused}": 0, "answers_total{class=not_executed}": 0,
			"answers_total{class=unknown}": 0, "answers_total{class=unanswered}": 0,
		}, values(w, c))

		h, err := lock.NewMutex(p.Manager, "/locks/orders").Lock(w.Context())
		require.NoError(w, err)
		p.Link.Disconnect()
		w.Eventually(func() bool { return p.State() == session.Connected }, "it comes back")
		synctest.Wait()
		subset(w, c, map[string]float64{"sessions_opened_total{}": 1, "session_state{state=connected}": 1})

		p.Link.Cut(zktest.Both)
		<-h.Done()
		synctest.Wait()
		subset(w, c, map[string]float64{
			"session_state{state=connected}": 0, "session_state{state=lost}": 1,
			"session_confirmed{}": 0, "session_timeout_seconds{}": 0, "session_deadline_seconds{}": 0,
			"sessions_lost_total{cause=trust_elapsed}":          1,
			"holds_lost_total{cause=trust_elapsed,name=orders}": 1,
		})
		p.Link.Heal()
		p.Current()
		synctest.Wait()
		p.Expire()
		w.Eventually(func() bool { return values(w, c)["sessions_opened_total{}"] == 3 }, "the third session")
		subset(w, c, map[string]float64{"sessions_lost_total{cause=expired}": 1, "session_state{state=connected}": 1})
		require.NoError(w, p.Close())
		subset(w, c, map[string]float64{"session_state{state=closed}": 1, "session_state{state=connected}": 0})
		require.ErrorIs(w, h.Release(), session.ErrLost)
	})
}

// The deadline of a holder runs down while no quorum answers, and the checks
// fail. A scrape sends nothing.
func TestHealth(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := prom.New()
		p := w.Process(observed(c))
		_, err := lock.NewMutex(p.Manager, "/locks/orders").Lock(w.Context())
		require.NoError(w, err)
		time.Sleep(time.Minute)
		before := values(w, c)
		require.InDelta(w, 18, before["probes_total{result=ok}"], 1)
		require.Zero(w, before["probes_total{result=failed}"])
		require.Greater(w, before["session_deadline_seconds{}"], 10*15./60-.01)
		require.Positive(w, before["answers_total{class=done}"])
		counts := w.Srv.Counts()
		for range 100 {
			values(w, c)
		}
		require.Equal(w, counts, w.Srv.Counts())

		w.Srv.SlowQuorum(10 * time.Second)
		lowest := 10.
		for range 100 {
			time.Sleep(100 * time.Millisecond)
			lowest = min(lowest, values(w, c)["session_deadline_seconds{}"])
		}
		require.Less(w, lowest, .2)
		require.Positive(w, values(w, c)["probes_total{result=failed}"])
		w.Srv.SlowQuorum(0)
		w.Eventually(func() bool { return values(w, c)["session_confirmed{}"] == 1 }, "a quorum answers again")
	})
}

func TestRequests(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := prom.New()
		p := w.Process(observed(c))
		remove := w.Srv.Intercept(func(zktest.Request) zktest.Action { return zktest.Delay(time.Second) })
		_, _, err := p.Get(w.Context(), "/a")
		require.Error(w, err)
		remove()
		for range 2 {
			_, _ = p.Create(w.Context(), "/a", nil, session.Persistent)
		}
		_, err = p.Set(w.Context(), "/a", nil, 7)
		require.Error(w, err)
		ctx, cancel := context.WithTimeout(w.Context(), time.Millisecond)
		defer cancel()
		w.Srv.Freeze()
		_, err = p.Set(ctx, "/a", nil, session.AnyVersion)
		require.ErrorIs(w, err, session.ErrUnknownOutcome)
		w.Srv.Thaw()
		subset(w, c, map[string]float64{
			"requests_total{op=get,result=no_node}":         1,
			"requests_total{op=create,result=ok}":           1,
			"requests_total{op=create,result=node_exists}":  1,
			"requests_total{op=set,result=bad_version}":     1,
			"requests_total{op=set,result=unknown_outcome}": 1,
			"request_duration_seconds{op=get} count":        1,
			"request_duration_seconds{op=get} sum":          1,
		})
	})
}

func TestQueues(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := prom.New(prom.Timeout(time.Second))
		p := w.Process(observed(c))
		q := queue.New(p.Manager, "/queues/mail", queue.MaxAttempts(1))
		stop, err := c.Queue("mail", q)
		require.NoError(w, err)
		_, err = c.Queue("mail", q)
		require.EqualError(w, err, `prom: there is a queue "mail" already; give another name`)
		_, err = c.Queue("", q)
		require.ErrorContains(w, err, "is empty")
		subset(w, c, map[string]float64{"queue_up{name=mail}": 1, "queue_items{name=mail,state=ready}": 0, "queue_head_age_seconds{name=mail}": 0})
		for i := range 4 {
			_, err := q.Put(w.Context(), []byte(fmt.Sprint(i)))
			require.NoError(w, err)
		}
		_, err = q.Put(w.Context(), nil, queue.Delay(time.Hour))
		require.NoError(w, err)
		dead, err := q.Take(w.Context())
		require.NoError(w, err)
		require.NoError(w, dead.Reject("it is broken"))
		_, err = q.Take(w.Context())
		require.NoError(w, err)
		time.Sleep(5 * time.Minute)
		got := values(w, c)
		require.InDelta(w, 300, got["queue_head_age_seconds{name=mail}"], 1)
		subset(w, c, map[string]float64{
			"queue_up{name=mail}":                  1,
			"queue_items{name=mail,state=ready}":   2,
			"queue_items{name=mail,state=delayed}": 1,
			"queue_items{name=mail,state=claimed}": 1,
			"queue_items{name=mail,state=dead}":    1,
		})
		w.Srv.Freeze()
		began := time.Now()
		got = values(w, c)
		require.Equal(w, time.Second, time.Since(began))
		w.Srv.Thaw()
		require.Contains(w, got, "queue_up{name=mail}")
		require.Zero(w, got["queue_up{name=mail}"])
		require.NotContains(w, got, "queue_items{name=mail,state=ready}", "what is not known is not said")

		stop()
		stop()
		require.NotContains(w, values(w, c), "queue_up{name=mail}")
		_, err = c.Queue("mail", q)
		require.NoError(w, err, "the name is free again")
	})
}

type fixed struct{ view *naming.View }

func (f fixed) View() *naming.View { return f.view }

func TestServices(t *testing.T) {
	c := prom.New()
	view := naming.NewView(naming.Instance{ID: "a"}, naming.Instance{ID: "b"}, naming.Instance{ID: "c", Draining: true},
		naming.Instance{ID: "d", Disabled: true, Draining: true})
	view.Stale, view.Problems = true, []error{errors.New("one")}
	_, err := c.Service("orders", fixed{view})
	require.NoError(t, err)
	_, err = c.Service("orders", fixed{})
	require.ErrorContains(t, err, `there is a service "orders" already`)
	subset(t, c, map[string]float64{
		"service_instances{name=orders,state=available}": 2,
		"service_instances{name=orders,state=draining}":  1,
		"service_instances{name=orders,state=disabled}":  1,
		"service_stale{name=orders}":                     1,
		"service_problems{name=orders}":                  1,
	})
}

// However many names a function makes, there is an end to the series.
func TestNamesAreBounded(t *testing.T) {
	c := prom.New(prom.Names(func(path string) string { return path }))
	for i := range 10 * prom.MaxNames {
		c.OnAcquired(session.HoldInfo{Path: fmt.Sprintf("/locks/%d", i)})
	}
	got := values(t, c)
	require.EqualValues(t, 9*prom.MaxNames, got["holds_acquired_total{name=overflow}"])
	require.EqualValues(t, 1, got["holds_acquired_total{name=/locks/7}"])
	_, err := c.Service("late", fixed{})
	require.ErrorContains(t, err, "more than 200 names")
}
