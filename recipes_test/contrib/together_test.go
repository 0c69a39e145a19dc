//go:build unix

package contrib

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/recipes_test/ensemble"
)

// Docent, Curator and kazoo work on locks, elections, queues and services,
// while the leader of the ensemble is killed and comes back. No gRPC or HTTP
// call fails, and none reaches a draining instance. The inspector assigns every
// node to its recipe. Metrics and spans show all events.
func TestTogether(t *testing.T) {
	w := inWorld(t)
	staying, draining, curators := w.byDocent("staying"), w.byDocent("draining"), w.byCurator("curators")
	working, stop := context.WithCancel(t.Context())
	w.working = working
	w.begins()
	service := w.load()
	t.Cleanup(func() { // before the dependencies of the work are closed
		stop()
		w.work.Wait()
	})
	w.goesOn(2, jobs...)
	for _, s := range []*server{staying, draining, curators} {
		ensemble.Eventually(t, patience, s.id+" is called", func() bool { return s.calls.Load() > 0 && s.pages.Load() > 0 })
	}

	// One instance drains. Soon it gets no calls, and the others get them.
	for _, g := range draining.drains {
		require.NoError(t, g.Drain(w.within()))
	}
	ensemble.Eventually(t, patience, "a draining instance gets no calls", func() bool {
		before := draining.calls.Load() + draining.pages.Load()
		w.goesOn(20, "calls", "pages")
		return draining.calls.Load()+draining.pages.Load() == before
	})
	left := draining.calls.Load() + draining.pages.Load()

	// The leader dies. The known instances stay, then all work continues.
	dead := w.Leader()
	dead.Kill()
	w.goesOn(50, "calls", "pages")
	require.NoError(t, w.WaitQuorum(w.within()))
	w.goesOn(2, jobs...)
	dead.Restart()
	require.NoError(t, w.WaitQuorum(w.within()))
	w.goesOn(2, jobs...)
	w.goesOn(20, "calls", "pages")
	require.Equal(t, left, draining.calls.Load()+draining.pages.Load(), "calls to a draining instance")
	for _, s := range []*server{staying, curators} {
		calls, pages := s.calls.Load(), s.pages.Load()
		ensemble.Eventually(t, patience, s.id+" is called", func() bool { return s.calls.Load() > calls && s.pages.Load() > pages })
	}

	w.inspects()
	_, err := w.metrics.Queue("mail", queue.New(w.sm, "/jobs/queue"))
	require.NoError(t, err)
	_, err = w.metrics.Service(pages, service)
	require.NoError(t, err)
	page := w.scrape()
	require.Contains(t, page, `docent_service_instances{name="pages",state="draining"} 1`)
	require.Contains(t, page, `docent_service_instances{name="pages",state="available"} 2`)
	require.Contains(t, page, `docent_queue_up{name="mail"} 1`)
	require.Contains(t, page, `docent_session_state{state="connected"} 1`)
	require.Contains(t, page, "docent_sessions_opened_total 1\n", "the session has outlived the leader")

	stop()
	w.work.Wait()
	page = w.scrape()
	for _, line := range []string{
		`docent_holds{name="shared"} 0`, `docent_waiting{name="shared"} 0`, `docent_holds{name="scheduler"} 0`,
	} {
		require.Contains(t, page, line+"\n")
	}
	require.NotContains(t, page, `docent_holds_lost_total{`)
	w.traced()
}

// inspects repeats the inspection until it has recognised the nodes of all
// three libraries, with their layouts.
func (w *world) inspects() {
	w.Helper()
	type sight struct {
		kind    inspect.Kind
		layouts string // or several, one after the other
	}
	missing := map[string]sight{
		"/jobs/lock": {inspect.KindLock, "curator docent"}, "/jobs/latch": {inspect.KindElection, "curator"},
		"/jobs/queue": {inspect.KindQueue, "curator"}, "/jobs/kazoo": {inspect.KindQueue, "kazoo"},
		"/services/calls": {inspect.KindService, "curator"}, "/services/pages": {inspect.KindService, "curator"},
	}
	// All three are in the lock's wait queue at a time.
	line := map[string]bool{"docent": false, "kazoo": false}
	ensemble.Eventually(w, patience, "the inspector sees everything", func() bool {
		r, err := inspect.Read(w.within(), w.sm, "/")
		require.NoError(w, err)
		for _, f := range r.Findings {
			h := f.Head()
			want, wanted := missing[h.Path]
			if !wanted || h.Kind != want.kind {
				continue
			}
			var layouts []string
			for _, l := range h.Layouts {
				layouts = append(layouts, string(l))
			}
			if l, is := f.(*inspect.Lock); is && l.Holder != nil {
				for _, p := range append(l.Waiters, *l.Holder) {
					if _, known := line[p.ID]; known {
						line[p.ID] = true
					}
				}
				if !line["docent"] || !line["kazoo"] {
					continue
				}
			}
			if s, is := f.(*inspect.Service); is && (len(s.Instances) != 3 || !drains(s)) {
				continue
			}
			if strings.Join(layouts, " ") == want.layouts {
				delete(missing, h.Path)
			}
		}
		return len(missing) == 0
	})
	found, err := inspect.Deadlocks(w.within(), w.sm, "/")
	require.NoError(w, err)
	require.Empty(w, found.Deadlocks)
}

// drains reports whether exactly the one instance of the service drains.
func drains(s *inspect.Service) bool {
	for _, in := range s.Instances {
		if in.Draining != strings.HasSuffix(in.Path, "/draining") {
			return false
		}
	}
	return true
}

// scrape reads the metrics as Prometheus does, and checks them with promtool.
func (w *world) scrape() string {
	w.Helper()
	response := httptest.NewRecorder()
	promhttp.HandlerFor(w.scraped, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}).
		ServeHTTP(response, httptest.NewRequest("GET", "/metrics", nil))
	require.Equal(w, 200, response.Code, response.Body)
	page := response.Body.String()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		require.NotEqual(w, "true", os.Getenv("CI"), "promtool is missing, and CI=true")
		w.Logf("not checked: %v (Debian: apt-get install prometheus)", err)
		return page
	}
	check := exec.CommandContext(w.within(), promtool, "check", "metrics")
	check.Stdin = strings.NewReader(page)
	out, err := check.CombinedOutput()
	require.NoError(w, err, "%s", out)
	return page
}

// traced checks the spans: each hold has a wait, and each has ended without an
// error.
func (w *world) traced() {
	w.Helper()
	count := make(map[string]int)
	ended := func() []trace.ReadOnlySpan { return w.spans.Ended() }
	ensemble.Eventually(w, patience, "every span ends", func() bool { return len(ended()) == len(w.spans.Started()) })
	waits := make(map[string]bool)
	for _, span := range ended() {
		if span.Name() == "docent.wait" {
			waits[span.SpanContext().SpanID().String()] = true
		}
	}
	for _, span := range ended() {
		name := ""
		for _, a := range span.Attributes() {
			switch a.Key {
			case "docent.name":
				name = a.Value.AsString()
			case "docent.cause":
				w.Errorf("a hold was lost: %v", span.Attributes())
			}
		}
		count[span.Name()+" "+name]++
		if span.Name() == "docent.hold" {
			require.Len(w, span.Links(), 1)
			require.True(w, waits[span.Links()[0].SpanContext.SpanID().String()], "a hold without its wait")
		}
	}
	require.GreaterOrEqual(w, count["docent.hold shared"], w.times("docent locks"))
	require.GreaterOrEqual(w, count["docent.hold scheduler"], w.times("docent leads"))
}
