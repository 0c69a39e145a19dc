package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// report is the result of a run, as docs/performance.json keeps it.
type report struct {
	Taken   string   `json:"taken"` // the day
	Machine string   `json:"machine"`
	Load    string   `json:"load"` // the machine's load average at the end, over 1, 5 and 15 minutes
	Go      string   `json:"go"`
	Java    string   `json:"java"`
	Rounds  int      `json:"rounds"`
	Budgets []kept   `json:"budgets"`
	Rows    []row    `json:"rows"`
	Titles  []titled `json:"measures"`
}

// titled is the description of a measure.
type titled struct {
	Measure string  `json:"measure"`
	Title   string  `json:"title"`
	Axis    string  `json:"axis,omitempty"`
	X       float64 `json:"x,omitempty"`
	PerOp   bool    `json:"per_op,omitempty"`
}

// kept says whether a budget was met.
type kept struct {
	Measure string   `json:"measure"`
	Subject string   `json:"subject,omitempty"` // absent: Docent
	Against string   `json:"against,omitempty"` // absent: an absolute budget
	Beyond  bool     `json:"beyond,omitempty"`  // the difference to the other subject, not the ratio
	Most    float64  `json:"most"`
	Got     *float64 `json:"got"`
	Unit    string   `json:"unit,omitempty"`
	Holds   bool     `json:"holds"`
}

// newReport summarizes the figures of each measure.
func newReport(rounds int, measures []measure, got []figures) *report {
	r := &report{
		Taken: time.Now().UTC().Format(time.DateOnly), Machine: machine(), Load: loadAverage(), Go: runtime.Version(), Java: javaVersion(),
		Rounds: rounds,
	}
	for i, m := range measures {
		r.Rows = append(r.Rows, rowsOf(m, got[i])...)
		r.Titles = append(r.Titles, titled{m.name, m.title, m.axis, m.x, m.unit == perOp})
		for _, b := range m.budgets {
			r.Budgets = append(r.Budgets, judged(m, b, got[i]))
		}
	}
	return r
}

// judged compares a figure with its budget.
func judged(m measure, b budget, got figures) kept {
	k := kept{Measure: m.name, Subject: b.subject, Against: b.against, Beyond: b.beyond, Most: *number(b.most), Unit: m.of}
	ours, other := got[cmp.Or(b.subject, docent)], got[b.against]
	switch {
	case ours == nil:
	case b.against == "" && m.unit == counted:
		k.Got = number(middle(ours.cost))
	case b.against == "":
		k.Got, k.Unit = number(middle(ours.p50)), "us"
	case other != nil && b.beyond:
		k.Got = number(middle(ours.cost) - middle(other.cost))
	case other != nil:
		k.Got = number(median(ratios(ours.cost, other.cost)))
	}
	k.Holds = k.Got != nil && *k.Got <= k.Most
	return k
}

func (r *report) title(name string) titled {
	i := slices.IndexFunc(r.Titles, func(t titled) bool { return t.Measure == name })
	return r.Titles[i]
}

// text is the output at the end of a run.
func (r *report) text() string {
	var b strings.Builder
	for _, t := range r.Titles {
		fmt.Fprintf(&b, "\n%s: %s\n", t.Measure, t.full())
		fmt.Fprintf(&b, "  %-22s %11s %11s %11s %9s %9s\n", "", "p50", "p99", "per second", "to floor", "Docent is")
		for _, row := range r.of(t.Measure) {
			if row.Why != "" {
				fmt.Fprintf(&b, "  %-22s %s\n", row.Subject, row.Why)
				continue
			}
			fmt.Fprintf(&b, "  %-22s %11s %11s %11s %9s %9s\n", row.Subject, row.middle(t.PerOp), duration(row.P99), perSecond(row.PerS), times(row.Ratio), times(row.Docent))
		}
	}
	if len(r.Budgets) > 0 {
		fmt.Fprintf(&b, "\nBudgets\n")
	}
	for _, k := range r.Budgets {
		fmt.Fprintf(&b, "  %-24s %-34s %-10s %s\n", k.Measure, k.allowed(), k.got(), k.verdict())
	}
	return b.String()
}

func (r *report) of(measure string) []row {
	var rows []row
	for _, row := range r.Rows {
		if row.Measure == measure {
			rows = append(rows, row)
		}
	}
	return rows
}

func (k kept) allowed() string {
	text := "at most " + quantity(k.Most, k.Unit)
	switch {
	case k.Beyond:
		text += " beyond " + k.Against
	case k.Against != "":
		text = fmt.Sprintf("at most %s of %s", times(&k.Most), k.Against)
	}
	if k.Subject != "" {
		return k.Subject + ": " + text
	}
	return text
}

func (k kept) got() string {
	switch {
	case k.Got == nil:
		return "–"
	case k.Against != "" && !k.Beyond:
		return times(k.Got)
	}
	return quantity(*k.Got, k.Unit)
}

func (k kept) verdict() string {
	switch {
	case k.Got == nil:
		return "not measured"
	case k.Holds:
		return "holds"
	}
	return "missed"
}

// middle is the median cost of an operation, or the counted value.
func (r row) middle(perOp bool) string {
	switch {
	case r.Value != nil:
		return quantity(*r.Value, r.Unit)
	case perOp && r.PerS != nil:
		us := 1e6 / *r.PerS
		return duration(&us)
	}
	return duration(r.P50)
}

func quantity(v float64, unit string) string {
	if unit == "us" {
		return duration(&v)
	}
	return fmt.Sprintf("%.4g %s", v, unit)
}

func duration(us *float64) string {
	if us == nil {
		return "–"
	}
	if *us >= 1000 {
		return fmt.Sprintf("%.2f ms", *us/1000)
	}
	return fmt.Sprintf("%.0f µs", *us)
}

func perSecond(v *float64) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprintf("%.0f", *v)
}

func times(v *float64) string {
	switch {
	case v == nil:
		return "–"
	case *v < 0.1:
		return fmt.Sprintf("%.4f×", *v)
	}
	return fmt.Sprintf("%.2f×", *v)
}

// write makes performance.json, the tables and the plots.
func (r *report) write(docs string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(docs, "performance.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	return renderDocs(docs)
}

// renderDocs makes the tables and plots from performance.json.
func renderDocs(docs string) error {
	text, err := os.ReadFile(filepath.Join(docs, "performance.json"))
	if err != nil {
		return err
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("performance.json: %w", err)
	}
	page := filepath.Join(docs, "performance.md")
	old, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	if err := os.WriteFile(page, []byte(fillIn(string(old), r.sections())), 0o644); err != nil {
		return err
	}
	plots := filepath.Join(docs, "performance")
	if err := os.MkdirAll(plots, 0o755); err != nil {
		return err
	}
	for name, p := range r.plots() {
		if err := os.WriteFile(filepath.Join(plots, name+".svg"), []byte(p.svg()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

var section = regexp.MustCompile(`(?s)(<!-- bench:([a-z-]+) -->\n).*?(<!-- /bench -->)`)

// fillIn replaces the text between "<!-- bench:NAME -->" and "<!-- /bench -->".
func fillIn(page string, sections map[string]string) string {
	return section.ReplaceAllStringFunc(page, func(old string) string {
		parts := section.FindStringSubmatch(old)
		text, known := sections[parts[2]]
		if !known {
			return old
		}
		return parts[1] + text + parts[3]
	})
}

// sections returns the generated parts of the page: the run, the budgets, and a
// table for each family of measures.
func (r *report) sections() map[string]string {
	sections := map[string]string{
		"run": fmt.Sprintf("Taken on %s: %s. %s, %s. %d rounds. Load average at the end (1, 5 and 15 minutes): %s.\n",
			r.Taken, r.Machine, r.Go, r.Java, r.Rounds, r.Load),
	}
	var b strings.Builder
	b.WriteString("| measure | asked | this run | |\n|---|---|---|---|\n")
	for _, k := range r.Budgets {
		verdict := k.verdict()
		if verdict != "holds" {
			verdict = "**" + verdict + "**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.title(k.Measure).full(), k.allowed(), k.got(), verdict)
	}
	sections["budgets"] = b.String()
	for _, t := range r.Titles {
		family, _, _ := strings.Cut(t.Measure, "/")
		sections[family] += r.table(t)
	}
	return sections
}

// full is the title with the position in its family.
func (t titled) full() string {
	if t.Axis == "" {
		return t.Title
	}
	return fmt.Sprintf("%s, %g %s", t.Title, t.X, t.Axis)
}

func (r *report) table(t titled) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s** (`%s`)\n\n", t.full(), t.Measure)
	b.WriteString("| | median | 99th percentile | per second | of the floor | Docent takes (least to most) |\n|---|---:|---:|---:|---:|---:|\n")
	for _, row := range r.of(t.Measure) {
		if row.Why != "" {
			fmt.Fprintf(&b, "| %s | – | – | – | – | %s |\n", row.Subject, row.Why)
			continue
		}
		spread := "–"
		if row.Subject != docent && row.Docent != nil {
			spread = fmt.Sprintf("%s (%s to %s)", times(row.Docent), times(row.Least), times(row.Most))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", row.Subject, row.middle(t.PerOp), duration(row.P99), perSecond(row.PerS), times(row.Ratio), spread)
	}
	b.WriteString("\n")
	return b.String()
}

// plots returns the plots of the growth of each cost, by file name.
func (r *report) plots() map[string]*plot {
	plots := map[string]*plot{}
	for _, t := range r.Titles {
		if t.Axis == "" {
			continue
		}
		name := strings.ReplaceAll(t.Measure[:strings.LastIndex(t.Measure, "-")], "/", "-")
		p := plots[name]
		if p == nil {
			p = &plot{title: t.Title, xLabel: t.Axis, logX: !strings.HasPrefix(name, "latency")}
			plots[name] = p
		}
		for _, row := range r.of(t.Measure) {
			switch {
			case row.Why != "":
			case row.Value != nil:
				p.yLabel = row.Unit
				p.add(row.Subject, t.X, *row.Value)
			case t.PerOp && row.PerS != nil:
				p.yLabel = "ms"
				p.add(row.Subject, t.X, 1000 / *row.PerS)
			case row.P50 != nil:
				p.yLabel = "ms"
				p.add(row.Subject, t.X, *row.P50/1000)
			}
		}
	}
	return plots
}

func machine() string {
	model := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if m := regexp.MustCompile(`model name\s*: (.*)`).FindSubmatch(text); m != nil {
			model = string(m[1])
		}
	}
	return fmt.Sprintf("%s, %d cores, %s", model, runtime.NumCPU(), runtime.GOOS)
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	words := strings.Fields(string(text))
	return strings.Join(words[:min(3, len(words))], ", ")
}

func javaVersion() string {
	out, err := exec.Command("java", "-version").CombinedOutput()
	if err != nil {
		return "no Java"
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.ReplaceAll(strings.TrimSpace(line), `"`, "")
}
