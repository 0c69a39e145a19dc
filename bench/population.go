package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// populationVerb makes this program a process with many sessions, all of one
// subject:
//
//	bench population SUBJECT SESSIONS SERVERS
//
// It writes a line of JSON once all sessions are open. Then it reads commands
// from its standard input, a line each, and answers each with a line of JSON.
// It closes the sessions when its standard input ends.
const populationVerb = "population"

// populationTimeout is the session timeout of a population: the default of
// Docent.
const populationTimeout = 10 * time.Second

// answer is the answer to a command.
type answer struct {
	Err    string             `json:"err,omitempty"`
	Values map[string]float64 `json:"values,omitempty"`
}

// member is a session of a population.
type member interface {
	hold(ctx context.Context, path string) error
	release() error
	watch(ctx context.Context, path string, a *audience) error
	openTree(ctx context.Context, dir string, a *audience) error
	forget() error // ends what watch and openTree have begun
	register(ctx context.Context, id, version string) error
	resolve(ctx context.Context, service string, each func(versions map[string]int)) error
	close() error
}

var errNotOffered = errors.New("this subject does not offer that")

// population is the state of such a process.
type population struct {
	ctx      context.Context
	servers  []string
	members  []member
	audience *audience
	returns  *returns
	fleet    *fleet
}

func runPopulation(ctx context.Context, args []string, stdout, _ io.Writer) error {
	return populate(ctx, args, os.Stdin, stdout)
}

func populate(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) (err error) {
	if len(args) != 4 {
		return fmt.Errorf("%s takes a subject, a number and servers", populationVerb)
	}
	n, err := strconv.Atoi(args[2])
	if err != nil || n < 1 {
		return fmt.Errorf("%q is not a number of sessions", args[2])
	}
	join := joiners[args[1]]
	if join == nil {
		return fmt.Errorf("%q has no sessions", args[1])
	}
	if err := raiseFileLimit(uint64(n) + 100); err != nil {
		return err
	}
	p := &population{
		ctx: ctx, servers: strings.Split(args[3], ","), members: make([]member, n),
		audience: &audience{size: n}, returns: newReturns(n), fleet: newFleet(n),
	}
	defer func() {
		err = errors.Join(err, p.all(func(_ int, m member) error {
			if m == nil {
				return nil // it was not opened
			}
			return m.close()
		}))
	}()
	begun := time.Now()
	err = p.all(func(i int, _ member) (err error) {
		p.members[i], err = join(ctx, p.servers, func(up bool, lost bool) { p.returns.report(i, up, lost) })
		return err
	})
	if err != nil {
		return err
	}
	out := json.NewEncoder(stdout)
	if err := out.Encode(answer{Values: map[string]float64{"opened s": time.Since(begun).Seconds()}}); err != nil {
		return err
	}
	for in := bufio.NewScanner(stdin); in.Scan(); {
		values, err := p.obey(strings.Fields(in.Text()))
		a := answer{Values: values}
		if err != nil {
			a.Err = err.Error()
		}
		if err := out.Encode(a); err != nil {
			return err
		}
	}
	return nil
}

// all calls f for each session, several at a time.
func (p *population) all(f func(i int, m member) error) error {
	return inParallel(len(p.members), func(i int) error { return f(i, p.members[i]) })
}

// obey carries out a command.
func (p *population) obey(words []string) (map[string]float64, error) {
	commands := map[string]func(arg string) (map[string]float64, error){
		"hold": func(dir string) (map[string]float64, error) {
			return p.timed(func(i int, m member) error { return m.hold(p.ctx, fmt.Sprintf("%s/%d", dir, i)) })
		},
		"release": func(string) (map[string]float64, error) {
			return p.timed(func(_ int, m member) error { return m.release() })
		},
		"watch": func(path string) (map[string]float64, error) {
			return p.timed(func(_ int, m member) error { return m.watch(p.ctx, path, p.audience) })
		},
		"tree": func(dir string) (map[string]float64, error) {
			return p.timed(func(_ int, m member) error { return m.openTree(p.ctx, dir, p.audience) })
		},
		"forget": func(string) (map[string]float64, error) {
			return p.timed(func(_ int, m member) error { return m.forget() })
		},
		"publish":  p.publish,
		"outage":   func(string) (map[string]float64, error) { p.returns.begin(); return nil, nil },
		"returned": func(string) (map[string]float64, error) { return p.returns.wait(p.ctx) },
		"register": func(version string) (map[string]float64, error) {
			return p.timed(func(i int, m member) error { return m.register(p.ctx, strconv.Itoa(i), version) })
		},
		"resolve": func(service string) (map[string]float64, error) {
			return p.timed(func(i int, m member) error {
				return m.resolve(p.ctx, service, func(versions map[string]int) { p.fleet.report(i, versions) })
			})
		},
		"see": p.see,
	}
	if len(words) == 0 || commands[words[0]] == nil {
		return nil, fmt.Errorf("%q is none of %s", words, strings.Join(slices.Sorted(maps.Keys(commands)), ", "))
	}
	return commands[words[0]](strings.Join(words[1:], " "))
}

// timed calls f for each session and returns how long that took.
func (p *population) timed(f func(i int, m member) error) (map[string]float64, error) {
	begun := time.Now()
	err := p.all(f)
	return map[string]float64{"s": time.Since(begun).Seconds()}, err
}

// publish writes a value, "PATH VALUE", and returns when the last session has
// it.
func (p *population) publish(arg string) (map[string]float64, error) {
	path, value, _ := strings.Cut(arg, " ")
	writer, err := connect(p.servers, populationTimeout)
	if err != nil {
		return nil, err
	}
	defer writer.Close()
	begun := time.Now()
	at, err := p.audience.publish(p.ctx, writer, path, value)
	return map[string]float64{"ms": float64(at.Sub(begun).Microseconds()) / 1000}, err
}

// see waits until each session sees that many instances of a version, "VERSION
// NUMBER".
func (p *population) see(arg string) (map[string]float64, error) {
	version, number, _ := strings.Cut(arg, " ")
	n, err := strconv.Atoi(number)
	if err != nil {
		return nil, err
	}
	return map[string]float64{}, p.fleet.wait(p.ctx, version, n)
}

// returns records when sessions are connected again after an outage.
type returns struct {
	mu    sync.Mutex
	begun time.Time
	after []time.Duration // from the beginning of the outage; 0 while a session is not connected again
	lost  int
	left  int
	all   chan struct{}
}

func newReturns(n int) *returns { return &returns{after: make([]time.Duration, n)} }

func (r *returns) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun, r.lost, r.left, r.all = time.Now(), 0, len(r.after), make(chan struct{})
	clear(r.after)
}

// report is called by a session whose connection begins or ends, or that is lost.
func (r *returns) report(i int, up, lost bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		return
	}
	if lost {
		r.lost++
	}
	if !up || r.after[i] != 0 {
		return
	}
	r.after[i] = time.Since(r.begun)
	if r.left--; r.left == 0 {
		close(r.all)
	}
}

// wait returns when all sessions are connected again.
func (r *returns) wait(ctx context.Context) (map[string]float64, error) {
	const patience = 2 * time.Minute
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r.mu.Lock()
	all := r.all
	r.mu.Unlock()
	select {
	case <-all:
	case <-ctx.Done():
		r.mu.Lock()
		defer r.mu.Unlock()
		return nil, fmt.Errorf("%d of %d sessions are not connected again: %w", r.left, len(r.after), ctx.Err())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	after := slices.Sorted(slices.Values(r.after))
	at := func(share float64) float64 { return after[int(share*float64(len(after)-1))].Seconds() }
	return map[string]float64{"first s": at(0), "median s": at(0.5), "last s": at(1), "lost": float64(r.lost)}, nil
}

// fleet records how many instances of each version each session sees.
type fleet struct {
	mu      sync.Mutex
	changed chan struct{}
	seen    []map[string]int
}

func newFleet(n int) *fleet {
	return &fleet{changed: make(chan struct{}), seen: make([]map[string]int, n)}
}

func (f *fleet) report(i int, versions map[string]int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen[i] = maps.Clone(versions)
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fleet) wait(ctx context.Context, version string, n int) error {
	const patience = 5 * time.Minute
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		f.mu.Lock()
		missing := 0
		for _, versions := range f.seen {
			if len(versions) != 1 || versions[version] != n {
				missing++
			}
		}
		changed := f.changed
		f.mu.Unlock()
		if missing == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d sessions do not see %d instances of %s: %w", missing, len(f.seen), n, version, ctx.Err())
		}
	}
}
