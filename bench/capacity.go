package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// capacityVerb measures what an ensemble of three carries. It prints a table:
//
//	bench capacity -sessions 5000 -docs docs
const capacityVerb = "capacity"

// capacity is a run of that verb.
type capacity struct {
	ctx      context.Context
	ensemble *ensemble.Ensemble
	stderr   io.Writer

	sessions, processes, contenders, watchers int

	figures []capacityFigure
}

// capacityFigure is one row of the table.
type capacityFigure struct {
	stage, what, unit string
	of                map[string]float64 // by subject
}

func runCapacity(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	c := &capacity{ctx: ctx, stderr: stderr}
	flags := flag.NewFlagSet("bench "+capacityVerb, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&c.sessions, "sessions", 5000, "number of sessions, and of instances of the service")
	flags.IntVar(&c.processes, "processes", 100, "number of processes that contend for a lock")
	flags.IntVar(&c.contenders, "contenders", 10_000, "number of contenders for the lock, in all processes together")
	flags.IntVar(&c.watchers, "watchers", 200, "number of sessions that watch the service")
	only := flags.String("only", "", "measure only these stages, separated by commas: "+strings.Join(stageNames(), ", "))
	docs := flags.String("docs", "", "write the table into capacity.md in this directory")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case min(c.sessions, c.processes, c.contenders, c.watchers) < 1:
		return errors.New("each number must be 1 or more")
	case c.contenders%c.processes != 0:
		return fmt.Errorf("%d contenders cannot be divided among %d processes", c.contenders, c.processes)
	}
	if err := raiseFileLimit(uint64(c.sessions) + 1000); err != nil { // the servers inherit the limit
		return err
	}
	b := &bed{}
	defer b.end()
	err = b.try(func() {
		c.ensemble = ensemble.Start(b, 3, ensemble.Heap("2g"), ensemble.JVM("-Djute.maxbuffer="+strconv.Itoa(longestAnswer)),
			ensemble.TickTime(time.Second))
	})
	if err != nil {
		return err
	}
	for _, s := range stages {
		if !selects(*only, s.name) {
			continue
		}
		fmt.Fprintf(stderr, "%s %s\n", time.Now().Format(time.TimeOnly), s.name)
		if err := s.run(c); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	table := c.table()
	if _, err := io.WriteString(stdout, table); err != nil || *docs == "" {
		return err
	}
	page := filepath.Join(*docs, "capacity.md")
	old, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	run := fmt.Sprintf("Taken on %s: %s. %s, %s. Load average at the end (1, 5 and 15 minutes): %s.\n",
		time.Now().UTC().Format(time.DateOnly), machine(), runtime.Version(), javaVersion(), loadAverage())
	return os.WriteFile(page, []byte(fillIn(string(old), map[string]string{"capacity": table, "capacity-run": run})), 0o644)
}

func stageNames() []string {
	var names []string
	for _, s := range stages {
		names = append(names, s.name)
	}
	return names
}

// note records figures of a subject.
func (c *capacity) note(stage, what, unit, subject string, v float64) {
	i := slices.IndexFunc(c.figures, func(f capacityFigure) bool { return f.stage == stage && f.what == what })
	if i < 0 {
		i = len(c.figures)
		c.figures = append(c.figures, capacityFigure{stage, what, unit, map[string]float64{}})
	}
	c.figures[i].of[subject] = v
}

// table has a row for each figure.
func (c *capacity) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| stage | figure | %s | %s |\n|---|---|---:|---:|\n", docent, goZK)
	stage := ""
	for _, f := range c.figures {
		shown := f.stage
		if shown == stage {
			shown = ""
		}
		stage = f.stage
		cell := func(subject string) string {
			v, measured := f.of[subject]
			if !measured {
				return "–"
			}
			return rounded(v) + " " + f.unit
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", shown, f.what, cell(docent), cell(goZK))
	}
	return b.String()
}

// rounded has no more digits than the figures carry.
func rounded(v float64) string {
	switch {
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// meter reads what the servers and one client process have used so far.
type meter struct {
	at       time.Time
	servers  time.Duration // of processor
	client   time.Duration // of processor
	received float64       // packets from clients, pings included
}

// read reads the meter. pid is the client process, 0 for none.
func (c *capacity) read(pid int) (meter, error) {
	m := meter{at: time.Now()}
	for _, s := range c.ensemble.Servers() {
		used, err := processorTime(s.Pid())
		if err != nil {
			return m, fmt.Errorf("server %d: %w", s.ID(), err)
		}
		m.servers += used
		received, err := packetsReceived(s)
		if err != nil {
			return m, err
		}
		m.received += received
	}
	if pid == 0 {
		return m, nil
	}
	used, err := processorTime(pid)
	m.client = used
	return m, err
}

// packetsReceived asks a server how many packets it has got from clients.
func packetsReceived(s *ensemble.Server) (float64, error) {
	answer, err := s.Word("mntr")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(answer) {
		if rest, found := strings.CutPrefix(line, "zk_packets_received\t"); found {
			return strconv.ParseFloat(strings.TrimSpace(rest), 64)
		}
	}
	return 0, fmt.Errorf("server %d does not tell the packets that it has received", s.ID())
}

// during notes the rates over one session timeout.
func (c *capacity) during(stage, subject string, p *company) error {
	before, err := c.read(p.pid())
	if err != nil {
		return err
	}
	select {
	case <-time.After(populationTimeout):
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
	after, err := c.read(p.pid())
	if err != nil {
		return err
	}
	s := after.at.Sub(before.at).Seconds()
	c.note(stage, "packets to the servers", "/s", subject, (after.received-before.received)/s)
	c.note(stage, "processor of the three servers", "ms/s", subject, float64((after.servers-before.servers).Milliseconds())/s)
	c.note(stage, "processor of the client process", "ms/s", subject, float64((after.client-before.client).Milliseconds())/s)
	resident, err := residentBytes(p.pid())
	c.note(stage, "resident memory of the client process", "MiB", subject, resident/(1<<20))
	return err
}

// peak samples the packets of all servers until stop is called, and returns the
// highest rate of a sample. Servers that do not answer count nothing.
func (c *capacity) peak() (stop func() float64) {
	const every = 250 * time.Millisecond
	ctx, cancel := context.WithCancel(c.ctx)
	highest := make(chan float64)
	go func() {
		top, last := 0.0, map[int]float64{}
		at := time.Now()
		for {
			sum := 0.0
			now := time.Now()
			for _, s := range c.ensemble.Servers() {
				received, err := packetsReceived(s)
				if err != nil {
					continue // it is killed, or elects
				}
				if before, known := last[s.ID()]; known && received < before {
					sum += received // it counts anew after an election
				} else if known {
					sum += received - before
				}
				last[s.ID()] = received
			}
			top, at = max(top, sum/now.Sub(at).Seconds()), now
			select {
			case <-time.After(every):
			case <-ctx.Done():
				highest <- top
				return
			}
		}
	}()
	return func() float64 {
		cancel()
		return <-highest
	}
}
