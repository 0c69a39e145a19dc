package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

// row is the result of one subject over all rounds. Rows are printed as lines
// of JSON, and docs/performance.json keeps them.
type row struct {
	Measure string   `json:"measure"`
	Subject string   `json:"subject"`
	Clients int      `json:"clients"`
	P50     *float64 `json:"p50_us"` // of single operations: medians over the rounds
	P99     *float64 `json:"p99_us"`
	PerS    *float64 `json:"per_s"`
	Ratio   *float64 `json:"ratio_to_floor"` // median over the rounds
	// Docent is Docent's cost divided by this subject's cost, as a median over
	// the rounds; Least and Most are the extremes.
	Docent *float64 `json:"docent_ratio"`
	Least  *float64 `json:"docent_ratio_least,omitempty"`
	Most   *float64 `json:"docent_ratio_most,omitempty"`
	Value  *float64 `json:"value,omitempty"` // for a counted measure
	Unit   string   `json:"unit,omitempty"`
	Rounds int      `json:"rounds"`
	Why    string   `json:"why,omitempty"` // why the subject has no figure
}

// noFigure is why a subject that did not fail has no figure.
const noFigure = "less than the noise of the machine"

// series is the figures of a subject, round by round.
type series struct {
	cost, p50, p99, perS []float64 // NaN for a round without a figure
	failed               error
}

func (s *series) add(u unit, got sample, err error) {
	cost, p50, p99, perS := math.NaN(), math.NaN(), math.NaN(), math.NaN()
	if err != nil {
		s.failed = err
	} else {
		each := allMicros(got.each)
		p50, p99 = quantile(each, 0.5), quantile(each, 0.99)
		if got.elapsed > 0 {
			perS = float64(got.ops) / got.elapsed.Seconds()
		}
		switch u {
		case latency:
			cost = median(each)
		case perOp:
			cost = micros(got.perOp())
		case counted:
			cost = got.value
		}
	}
	s.cost, s.p50, s.p99, s.perS = append(s.cost, cost), append(s.p50, p50), append(s.p99, p99), append(s.perS, perS)
}

// figures are the series of a measure, by subject.
type figures map[string]*series

// measureAll runs the rounds of every measure. In each round one subject runs
// after the other, and the next round begins with another subject. So any drift
// of the machine affects all subjects alike. If the subjects have several short
// turns in a round, each turn counts as a round: turns close together have less
// between them. The first round is a warm-up and does not count; cold measures
// take no part in it.
func measureAll(l *lab, measures []measure, p plan, progress io.Writer) (all []figures, taken int, err error) {
	all = make([]figures, len(measures))
	for i := range all {
		all[i] = figures{}
	}
	began, last := time.Now(), make([]time.Duration, len(measures))
	for r := range p.rounds + 1 {
		var ahead time.Duration
		for i, m := range measures {
			if r <= m.taken(p.rounds) {
				ahead += last[i]
			}
		}
		if r > 1 && p.within > 0 && time.Since(began)+ahead > p.within {
			fmt.Fprintf(progress, "round %d would end after %v\n", r, p.within)
			break
		}
		for i, m := range measures {
			if r > m.taken(p.rounds) || r == 0 && m.cold {
				continue
			}
			start := time.Now()
			turns := max(m.turns, 1)
			for turn := range turns {
				got := all[i]
				if r == 0 {
					got = figures{}
				}
				if err := oneRound(l, m, r*turns+turn, got); err != nil {
					return nil, r, fmt.Errorf("%s: %w", m.name, err)
				}
			}
			last[i] = time.Since(start)
			fmt.Fprintf(progress, "round %d of %d  %-28s %6.1f s\n", r, p.rounds, m.name, last[i].Seconds())
		}
		taken = r
	}
	return all, taken, nil
}

// plan is the requested number of rounds, and their time limit; 0 means no
// limit.
type plan struct {
	rounds int
	within time.Duration
}

// oneRound runs a round that begins with the r-th subject. It fails if one of
// our subjects does. A failed peer has no figure.
func oneRound(l *lab, m measure, r int, got figures) error {
	name := m.site
	if name == "" {
		name = standalone
	}
	s, err := l.at(name)
	if err != nil {
		return err
	}
	for i := range m.subjects {
		subject := m.subjects[(i+r)%len(m.subjects)]
		sample, err := subject.run(env{l.ctx, l, s, l.dir()})
		if cause := l.ctx.Err(); cause != nil {
			return cause
		}
		if err != nil && (subject.name == docent || subject.name == floor) {
			return fmt.Errorf("%s: %w", subject.name, err)
		}
		if got[subject.name] == nil {
			got[subject.name] = &series{}
		}
		got[subject.name].add(m.unit, sample, err)
	}
	return nil
}

// rowsOf summarizes a measure: its subjects in their order, then the peers
// without a figure.
func rowsOf(m measure, got figures) []row {
	var rows []row
	for _, s := range m.subjects {
		r := row{Measure: m.name, Subject: s.name, Clients: m.clients, Unit: m.of}
		have := got[s.name]
		if have == nil {
			continue
		}
		r.Rounds = len(there(have.cost))
		if r.Rounds == 0 {
			r.Why = noFigure
			if have.failed != nil {
				r.Why = "failed: " + strings.ReplaceAll(have.failed.Error(), "\n", "; ") // it is a cell of a table
			}
			rows = append(rows, r)
			continue
		}
		r.P50, r.P99, r.PerS = number(middle(have.p50)), number(middle(have.p99)), number(middle(have.perS))
		if m.unit == counted {
			r.Value = number(middle(have.cost))
		}
		if f := got[floor]; f != nil {
			r.Ratio = number(median(ratios(have.cost, f.cost)))
		}
		if d := got[docent]; d != nil {
			all := ratios(d.cost, have.cost)
			r.Docent, r.Least, r.Most = number(median(all)), number(quantile(all, 0)), number(quantile(all, 1))
		}
		rows = append(rows, r)
	}
	for _, peer := range []string{goZK, curator, kazoo, etcd} {
		if why := m.absent[peer]; why != "" && got[peer] == nil {
			rows = append(rows, row{Measure: m.name, Subject: peer, Clients: m.clients, Why: why})
		}
	}
	return rows
}

// middle is the median of the rounds with a figure.
func middle(values []float64) float64 { return median(there(values)) }

func there(values []float64) []float64 {
	return slices.DeleteFunc(slices.Clone(values), math.IsNaN)
}

// number is v to four digits, or nil for NaN.
func number(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	if v != 0 {
		scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(v))))
		v = math.Round(v*scale) / scale
	}
	return &v
}
