package prom_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/contrib/prom"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// panel is one of the dashboard.
type panel struct {
	ID      int
	Title   string
	GridPos struct{ X, Y, W, H int }
	Targets []struct{ RefID, Expr, LegendFormat string }
}

func panels(t *testing.T) []panel {
	var dashboard struct{ Panels []panel }
	require.NoError(t, json.Unmarshal([]byte(read(t, "dashboard.json")), &dashboard))
	require.NotEmpty(t, dashboard.Panels)
	return dashboard.Panels
}

// The dashboard shows every metric there is, and none that there is not.
func TestDashboard(t *testing.T) {
	var expressions []string
	ids := make(map[int]bool)
	all := panels(t)
	for i, p := range all {
		require.NotEmpty(t, p.Targets, p.Title)
		require.False(t, ids[p.ID], "two panels have the id %d", p.ID)
		ids[p.ID] = true
		refs := make(map[string]bool)
		for _, target := range p.Targets {
			expressions = append(expressions, target.Expr)
			require.False(t, refs[target.RefID], "%s: two queries are %s", p.Title, target.RefID)
			refs[target.RefID] = true
		}
		a := p.GridPos
		require.LessOrEqual(t, a.X+a.W, 24, p.Title)
		for _, other := range all[:i] {
			b := other.GridPos
			require.False(t, a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H, "%s lies over %s", p.Title, other.Title)
		}
	}
	require.Equal(t, slices.Sorted(maps.Keys(metrics())), named(expressions...))
}

// busy is a queue with something of everything.
type busy struct{}

func (busy) Status(context.Context) (queue.Status, error) {
	return queue.Status{Ready: 1, Delayed: 1, Claimed: 1, Dead: 1}, nil
}

func (busy) List(context.Context) iter.Seq2[queue.Entry, error] {
	return func(yield func(queue.Entry, error) bool) { yield(queue.Entry{Put: time.Now()}, nil) }
}

// managed tells a collector of its Manager, and of nothing else.
type managed struct{ session.HookManager }

// everything is a collector to which all has happened that can.
func everything(t *testing.T) *prom.Collector {
	c := prom.New()
	srv := zktest.New(t)
	sm, err := session.Dial(t.Context(), session.Config{
		Servers: []string{"zk1"}, Dialer: srv.DialContext, Hooks: []session.Hook{managed{c}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sm.Close()) })
	c.OnState(session.StateChange{State: session.Connected, Session: 1})
	c.OnState(session.StateChange{State: session.Lost, Session: 1, Cause: session.ErrExpired})
	c.OnState(session.StateChange{State: session.Connected, Session: 2})
	for _, err := range []error{nil, session.ErrUnknownOutcome} {
		c.OnOp(session.OpInfo{Op: "set", Path: "/a", Err: err})
	}
	for _, err := range []error{nil, context.Canceled} {
		c.OnWait(t.Context(), session.WaitInfo{Path: "/a"})(session.WaitEnd{Err: err})
	}
	for _, end := range []func(session.HoldInfo){c.OnReleased, c.OnLost} {
		h := session.HoldInfo{Path: "/a", Cause: session.ErrDeleted}
		c.OnAcquired(h)
		end(h)
	}
	c.OnSwept(session.SweptInfo{Found: true})
	_, err = c.Queue("mail", busy{})
	require.NoError(t, err)
	view := naming.NewView(naming.Instance{ID: "a"})
	view.Problems = []error{errors.New("one")}
	_, err = c.Service("orders", fixed{view})
	require.NoError(t, err)
	return c
}

// series lists what a Prometheus that scrapes the collector has, for promtool:
// counters that grow, and gauges that stay what they are.
func series(t *testing.T, c prometheus.Collector) []string {
	r := prometheus.NewPedanticRegistry()
	require.NoError(t, r.Register(c))
	families, err := r.Gather()
	require.NoError(t, err)
	var all []string
	for _, f := range families {
		for _, m := range f.GetMetric() {
			labels := []string{`instance="a"`}
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			add := func(suffix, values string, more ...string) {
				name := f.GetName() + suffix + "{" + strings.Join(append(slices.Clone(labels), more...), ",") + "}"
				all = append(all, fmt.Sprintf("{series: '%s', values: '%s'}", name, values))
			}
			const grows = "0+1x30"
			switch h := m.GetHistogram(); {
			case h != nil:
				for _, b := range h.GetBucket() {
					add("_bucket", grows, fmt.Sprintf("le=%q", strconv.FormatFloat(b.GetUpperBound(), 'g', -1, 64)))
				}
				add("_bucket", grows, `le="+Inf"`)
				add("_count", grows)
				add("_sum", grows)
			case m.GetCounter() != nil:
				add("", grows)
			default:
				add("", fmt.Sprintf("%gx30", m.GetGauge().GetValue()))
			}
		}
	}
	return all
}

var legendLabel = regexp.MustCompile(`{{(\w+)}}`)

// Every query of the dashboard finds something in what a collector exposes, and
// each series it finds has all the labels that the legend names.
func TestDashboardQueries(t *testing.T) {
	var test strings.Builder
	test.WriteString("tests:\n  - interval: 30s\n    input_series:\n")
	for _, s := range series(t, everything(t)) {
		fmt.Fprintf(&test, "      - %s\n", s)
	}
	test.WriteString("    promql_expr_test:\n")
	variables := strings.NewReplacer("$__rate_interval", "2m", "$instance", "a|b")
	expect := func(query, found string) {
		require.NotContains(t, query, "$", "a variable that the test does not know")
		query = strings.ReplaceAll(query, "'", "''")
		fmt.Fprintf(&test, "      - {expr: '%s', eval_time: 10m, exp_samples: [{labels: '%s', value: 1}]}\n", query, found)
	}
	for _, p := range panels(t) {
		for _, target := range p.Targets {
			query := variables.Replace(target.Expr)
			expect("group("+query+")", "{}")
			for _, m := range legendLabel.FindAllStringSubmatch(target.LegendFormat, -1) {
				expect(`group by (has) (label_replace(`+query+`, "has", "it", "`+m[1]+`", ".+"))`, `{has="it"}`)
			}
		}
	}
	file := filepath.Join(t.TempDir(), "dashboard_test.yaml")
	require.NoError(t, os.WriteFile(file, []byte(test.String()), 0o600))
	promtool(t, "test", "rules", file)
}
