package main

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestQuantiles(t *testing.T) {
	require.True(t, math.IsNaN(median(nil)))
	require.True(t, math.IsNaN(quantile(nil, 0.5)))
	require.Equal(t, 2.0, median([]float64{3, 1, 2}))
	require.Equal(t, 2.5, median([]float64{4, 1, 3, 2}))
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i)
	}
	require.Equal(t, 99.0, quantile(hundred, 0.99))
	require.Equal(t, 1.0, quantile(hundred, 0))
	require.Equal(t, 100.0, quantile(hundred, 1))
	require.Equal(t, 100.0, hundred[0], "the values are not sorted in place")
}

// Ratios compare the same round. A round without a figure on one side has no
// ratio.
func TestRatios(t *testing.T) {
	require.Equal(t, []float64{0.5, 3}, ratios([]float64{1, math.NaN(), 9}, []float64{2, 1, 3}))
	require.Empty(t, ratios([]float64{1}, []float64{0}))
}

func TestAnswersOfDrivers(t *testing.T) {
	s, err := parseAnswer("ok 5000 2 2000,3000")
	require.NoError(t, err)
	require.Equal(t, sample{each: []time.Duration{2000, 3000}, ops: 2, elapsed: 5000}, s)
	require.Equal(t, 2500*time.Nanosecond, s.perOp())
	s, err = parseAnswer("ok 5000 2")
	require.NoError(t, err)
	require.Empty(t, s.each)
	_, err = parseAnswer("fail no connection")
	require.EqualError(t, err, "no connection")
	for _, line := range []string{"", "ok", "ok x 2 1", "ok 5 y 1", "ok 5 2 1,z", "hello"} {
		_, err := parseAnswer(line)
		require.ErrorContains(t, err, "not an answer", line)
	}
}

// Each measure has its own name and a figure of ours. For every peer it has a
// subject or a reason, unless it measures how a cost grows.
func TestCatalogue(t *testing.T) {
	names := map[string]bool{}
	for _, m := range catalogue() {
		require.False(t, names[m.name], m.name)
		names[m.name] = true
		has := func(name string) bool {
			return slices.ContainsFunc(m.subjects, func(s subject) bool { return s.name == name })
		}
		require.True(t, has(docent), m.name)
		for _, b := range m.budgets {
			require.True(t, b.against == "" || has(b.against), "%s: %s", m.name, b.against)
			require.True(t, b.subject == "" || has(b.subject), "%s: %s", m.name, b.subject)
		}
		if m.axis != "" || m.site != "" {
			continue
		}
		for _, peer := range []string{goZK, curator, kazoo, etcd} {
			require.NotEqual(t, has(peer), m.absent[peer] != "", "%s: %s", m.name, peer)
		}
	}
}

// Every subject runs once a round, and the warm-up round does not count. A
// failed peer has a reason instead of a figure; a failure of ours ends the run.
func TestRounds(t *testing.T) {
	l := newLab(t.Context())
	l.sites[standalone] = &site{lab: l}
	calls := map[string]int{}
	var order []string
	named := func(name string, failure error) subject {
		return subject{name, func(e env) (sample, error) {
			calls[name]++
			order = append(order, name)
			each := time.Duration(len(name)) * time.Millisecond
			return sample{each: []time.Duration{each}, ops: 1, elapsed: each}, failure
		}}
	}
	m := measure{name: "x", clients: 1, absent: map[string]string{etcd: "none"},
		subjects: []subject{named(floor, nil), named(docent, nil), named(curator, errors.New("no Java\nnor a JVM"))}}
	got, taken, err := measureAll(l, []measure{m}, plan{rounds: 3}, io.Discard)
	require.Equal(t, 3, taken)
	require.NoError(t, err)
	require.Equal(t, map[string]int{floor: 4, docent: 4, curator: 4}, calls)
	require.Equal(t, []string{floor, docent, curator, docent, curator, floor}, order[:6], "each round begins with another subject")
	rows := rowsOf(m, got[0])
	require.Len(t, rows, 4)
	require.Equal(t, 3, rows[1].Rounds)
	require.InDelta(t, 6.0/5, *rows[1].Ratio, 0.001)
	require.InDelta(t, 6.0/5, *rows[0].Docent, 0.001)
	require.Equal(t, "failed: no Java; nor a JVM", rows[2].Why)
	require.Nil(t, rows[2].P50)
	require.Equal(t, "none", rows[3].Why)

	m.turns, order = 2, nil
	got, _, err = measureAll(l, []measure{m}, plan{rounds: 2}, io.Discard)
	require.NoError(t, err)
	require.Equal(t, []string{floor, docent, curator, docent, curator, floor, curator, floor, docent}, order[:9], "each turn begins with another subject")
	require.Equal(t, 4, rowsOf(m, got[0])[1].Rounds, "two rounds of two turns")

	m.turns, m.cold, m.rounds, calls = 0, true, 1, map[string]int{}
	_, _, err = measureAll(l, []measure{m}, plan{rounds: 2}, io.Discard)
	require.NoError(t, err)
	require.Equal(t, 1, calls[docent], "one round, without a warm-up")

	m.subjects = []subject{named(docent, errors.New("broken"))}
	_, _, err = measureAll(l, []measure{m}, plan{rounds: 1}, io.Discard)
	require.EqualError(t, err, "x: docent: broken")
}

// No round begins that would end after the time limit: each measure is expected
// to take as long as last time. A measure that has had its rounds takes no
// time.
func TestTimeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t.Context())
		l.sites[standalone] = &site{lab: l}
		lasting := func(d time.Duration) []subject {
			return []subject{{docent, func(env) (sample, error) { time.Sleep(d); return sample{ops: 1, elapsed: d}, nil }}}
		}
		measures := []measure{
			{name: "short", subjects: lasting(time.Minute)},
			{name: "long", subjects: lasting(5 * time.Minute), rounds: 1, cold: true},
		}
		for within, want := range map[time.Duration]int{0: 9, time.Minute: 1, 7 * time.Minute: 1, 10 * time.Minute: 4} {
			_, taken, err := measureAll(l, measures, plan{9, within}, io.Discard)
			require.NoError(t, err)
			require.Equal(t, want, taken, within)
		}
	})
}

func TestJudged(t *testing.T) {
	gave := func(values ...float64) *series { return &series{cost: values, p50: values} }
	got := figures{docent: gave(9, 12, 30), floor: gave(10, 10, 40), "docent, 1": gave(20, 24, 60)}
	m := measure{name: "m"}
	require.True(t, judged(m, against(floor, 0.9), got).Holds, "the median of the rounds' ratios")
	require.False(t, judged(m, against(floor, 0.8), got).Holds)
	require.Equal(t, "not measured", judged(m, against(curator, 0.8), got).verdict())
	require.True(t, judged(m, atMost(12), got).Holds)
	require.False(t, judged(m, atMost(11), got).Holds)
	require.Equal(t, "12 µs", judged(m, atMost(11), got).got())
	m.unit, m.of = counted, "lists"
	require.Equal(t, "12 lists", judged(m, atMost(11), got).got())
	more := judged(m, beyond(floor, 2), got)
	require.True(t, more.Holds, "12 against 10")
	require.Equal(t, "at most 2 lists beyond floor", more.allowed())
	require.Equal(t, "2 lists", more.got())
	require.False(t, judged(m, beyond(floor, 1), got).Holds)

	got[docent].cost = []float64{aboveNoise(-3), aboveNoise(0)}
	require.Equal(t, "not measured", judged(m, atMost(11), got).verdict(), "noise meets no budget")
	m.subjects = []subject{{name: docent}}
	require.Equal(t, noFigure, rowsOf(m, got)[0].Why)
	require.Equal(t, 3.0, aboveNoise(3))

	got[docent].cost = []float64{9, 12, 30}
	other := judged(m, budget{subject: "docent, 1", against: floor, most: 1.5}, got)
	require.False(t, other.Holds, "2, 2.4 and 1.5 times the floor")
	require.Equal(t, "docent, 1: at most 1.50× of floor", other.allowed())
	require.Equal(t, "2.00×", other.got())
	require.Equal(t, "not measured", judged(m, budget{subject: "docent, 2", against: floor, most: 1}, got).verdict())
}

// Without -only, long measures take fewer rounds, and measures for a large
// machine are left out. With it, -rounds is the number of rounds of each.
func TestChosen(t *testing.T) {
	rounds := map[string]int{}
	for _, m := range chosen("", "", false) {
		require.False(t, m.large, m.name)
		rounds[m.name] = m.taken(12)
	}
	require.Equal(t, 12, rounds["lock/uncontended"])
	require.Equal(t, 1, rounds["session/heap"])
	for _, m := range chosen("session,lock/unc", kazoo, false) {
		require.Equal(t, 7, m.taken(7), m.name)
		require.False(t, slices.ContainsFunc(m.subjects, func(s subject) bool { return s.name == kazoo }), m.name)
	}
	require.Equal(t, len(catalogue()), len(chosen("", "", true)))
}

// The tables are between their marks, and only there.
func TestDocs(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "performance.md")
	require.NoError(t, os.WriteFile(page, []byte("before\n<!-- bench:growth -->\nold\n<!-- /bench -->\nafter\n<!-- bench:other -->\nkept\n<!-- /bench -->\n"), 0o600))
	v := 1500.0
	r := &report{
		Titles: []titled{{Measure: "growth/keys-1", Title: "T", Axis: "keys", X: 1}, {Measure: "growth/keys-100", Title: "T", Axis: "keys", X: 100}},
		Rows: []row{
			{Measure: "growth/keys-1", Subject: docent, P50: &v}, {Measure: "growth/keys-100", Subject: docent, P50: &v},
			{Measure: "growth/keys-100", Subject: curator, Why: "<none>"},
		},
	}
	require.NoError(t, r.write(dir))
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Contains(t, string(text), "| docent | 1.50 ms |")
	require.NotContains(t, string(text), "old")
	require.Contains(t, string(text), "after\n<!-- bench:other -->\nkept\n")
	svg, err := os.ReadFile(filepath.Join(dir, "performance", "growth-keys.svg"))
	require.NoError(t, err)
	require.NoError(t, xml.Unmarshal(svg, new(struct{})))
	require.Contains(t, string(svg), "prefers-color-scheme")
	var kept report
	data, err := os.ReadFile(filepath.Join(dir, "performance.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &kept))
	require.Equal(t, r.Rows, kept.Rows)
}

func TestUsage(t *testing.T) {
	for args, want := range map[string]string{
		"-only nothing":  "selects nothing",
		"-rounds 0":      "at least one",
		"-render":        "needs -docs",
		"stray":          "unexpected argument",
		"-list -only xy": "selects nothing",
	} {
		require.ErrorContains(t, run(context.Background(), strings.Fields(args), io.Discard, io.Discard), want)
	}
	var out strings.Builder
	require.NoError(t, run(context.Background(), []string{"-list", "-only", "lock/unc"}, &out, io.Discard))
	require.Contains(t, out.String(), "lock/uncontended")
}
