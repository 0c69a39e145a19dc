package prom_test

import (
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/contrib/prom"
)

var descName = regexp.MustCompile(`fqName: "([^"]+)"`)

// metrics are the names of all that a collector has.
func metrics() map[string]bool {
	descs := make(chan *prometheus.Desc)
	go func() {
		defer close(descs)
		prom.New().Describe(descs)
	}()
	all := make(map[string]bool)
	for d := range descs {
		all[descName.FindStringSubmatch(d.String())[1]] = true
	}
	return all
}

var metricName = regexp.MustCompile(`docent_[a-z_]+`)

// named lists the metrics that expressions name.
func named(expressions ...string) []string {
	all := make(map[string]bool)
	for _, e := range expressions {
		for _, name := range metricName.FindAllString(e, -1) {
			for _, suffix := range []string{"_bucket", "_count", "_sum"} {
				name = strings.TrimSuffix(name, suffix)
			}
			all[name] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func read(t *testing.T, path string) string {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}

func TestRulesNameMetricsThatExist(t *testing.T) {
	all := metrics()
	names := named(read(t, "rules.yaml"))
	require.NotEmpty(t, names)
	for _, name := range append(names, named(read(t, "rules_test.yaml"))...) {
		require.True(t, all[name], name)
	}
}

// The table of docs/observability.md has a row for every metric, and no other.
func TestMetricsAreDocumented(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| `(docent_[a-z_]+)` ")
	var rows []string
	for _, m := range row.FindAllStringSubmatch(read(t, "../../docs/observability.md"), -1) {
		rows = append(rows, m[1])
	}
	slices.Sort(rows)
	require.Equal(t, slices.Sorted(maps.Keys(metrics())), rows)
}

// docs/operations.md says of every alert what it means and what to do, and names
// no other.
func TestAlertsAreExplained(t *testing.T) {
	alerts := func(pattern, file string) (names []string) {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(read(t, file), -1) {
			names = append(names, m[1])
		}
		slices.Sort(names)
		return names
	}
	all := alerts(`alert: (\w+)`, "rules.yaml")
	require.NotEmpty(t, all)
	require.Equal(t, all, alerts("(?m)^\\| `(Docent\\w+)` ", "../../docs/operations.md"))
}

// promtool runs it.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	program, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no promtool (Debian: apt-get install prometheus), and CI=true")
		}
		t.Skip("there is no promtool (Debian: apt-get install prometheus)")
	}
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// Every alert fires when it should, and is silent when all is well.
func TestRules(t *testing.T) {
	promtool(t, "check", "rules", "rules.yaml")
	promtool(t, "test", "rules", "rules_test.yaml")
	rules, tests := read(t, "rules.yaml"), read(t, "rules_test.yaml")
	for _, m := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(rules, -1) {
		require.Contains(t, tests, `alertname="`+m[1]+`"`, "an alert that no test lets fire")
	}
}
