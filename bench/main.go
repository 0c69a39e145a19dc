// Command bench measures Docent and its peers side by side: the same ZooKeeper,
// the same minutes, rounds interleaved. docs/performance.md says what it
// measures and how to read it.
//
//	go run ./bench                          # everything, a table at the end
//	go run ./bench -only lock -rounds 5 -json -
//	go run ./bench -docs docs               # writes docs/performance.json, and tables and plots from it
//	go run ./bench capacity -docs docs      # what an ensemble of three carries: the tables of docs/capacity.md
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/pprof"
	"slices"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	work := run
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case idleVerb:
			work = runIdle
		case manyVerb:
			work = runMany
		case treeVerb, keysVerb:
			work = runTree
		case capacityVerb:
			work = runCapacity
		case populationVerb:
			work = runPopulation
		case contendersVerb:
			work = runContenders
		}
	}
	if err := work(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// catalogue lists all measures.
func catalogue() []measure {
	return slices.Concat(lockMeasures(), electionMeasures(), configMeasures(), viewMeasures(tree), changeMeasures(), viewMeasures(service),
		manyMeasures(), queueMeasures(), waitingMeasures(), countMeasures(), partitionMeasures(), idleMeasures(), growthMeasures(), siteMeasures())
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	only := flags.String("only", "", "measure only names that begin with one of these, separated by commas, in all rounds")
	skip := flags.String("skip", "", "leave out these subjects, separated by commas")
	rounds := flags.Int("rounds", 12, "number of rounds, after a warm-up; without -only, long measures take fewer")
	within := flags.Duration("within", 0, "time limit: begin no round that would end later")
	large := flags.Bool("large", false, "include measures that need gigabytes and minutes")
	jsonTo := flags.String("json", "", "write one JSON object a line to this file; - is standard output")
	docs := flags.String("docs", "", "write performance.json, the tables of performance.md and its plots into this directory")
	render := flags.Bool("render", false, "with -docs: measure nothing, make tables and plots from performance.json")
	cpu := flags.String("cpuprofile", "", "write a CPU profile of this process to this file")
	list := flags.Bool("list", false, "list the measures")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case *rounds < 1:
		return fmt.Errorf("-rounds %d: at least one is needed", *rounds)
	case *render && *docs == "":
		return fmt.Errorf("-render needs -docs")
	case *render:
		return renderDocs(*docs)
	}
	measures := chosen(*only, *skip, *large)
	if len(measures) == 0 {
		return fmt.Errorf("-only %q selects nothing; -list lists the measures", *only)
	}
	if *list {
		for _, m := range measures {
			fmt.Fprintf(stdout, "%-28s %s\n", m.name, m.title)
		}
		return nil
	}
	if *cpu != "" {
		f, err := os.Create(*cpu)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	l := newLab(ctx)
	defer l.close()
	got, taken, err := measureAll(l, measures, plan{*rounds, *within}, stderr)
	if err != nil {
		return err
	}
	rep := newReport(taken, measures, got)
	if err := writeRows(*jsonTo, rep.Rows, stdout); err != nil {
		return err
	}
	if *jsonTo != "-" {
		if _, err := io.WriteString(stdout, rep.text()); err != nil {
			return err
		}
	}
	if *docs == "" {
		return nil
	}
	return rep.write(*docs)
}

// chosen returns the selected measures, with the selected subjects. A measure
// that -only names takes all rounds.
func chosen(only, skip string, large bool) []measure {
	var measures []measure
	for _, m := range catalogue() {
		if !selects(only, m.name) || m.large && !large {
			continue
		}
		if only != "" {
			m.rounds = 0
		}
		m.subjects = slices.DeleteFunc(m.subjects, func(s subject) bool { return skip != "" && selects(skip, s.name) })
		if len(m.subjects) > 0 {
			measures = append(measures, m)
		}
	}
	return measures
}

func writeRows(to string, rows []row, stdout io.Writer) (err error) {
	w := stdout
	switch to {
	case "":
		return nil
	case "-":
	default:
		f, err := os.Create(to)
		if err != nil {
			return err
		}
		defer func() {
			if closed := f.Close(); err == nil {
				err = closed
			}
		}()
		w = f
	}
	lines := json.NewEncoder(w)
	for _, r := range rows {
		if err := lines.Encode(r); err != nil {
			return err
		}
	}
	return nil
}
