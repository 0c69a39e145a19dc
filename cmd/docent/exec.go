package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/docent-go/docent/cmd/docent/internal/child"
	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
)

// execCommand is "docent exec".
type execCommand struct {
	Path        string        `arg:"" name:"PATH" help:"The directory of the keys, as an absolute path."`
	Cmd         []string      `arg:"" name:"CMD" help:"The command and its arguments, after --."`
	Prefix      string        `placeholder:"APP_" help:"Put this before the name of each variable."`
	OnChange    string        `default:"restart" enum:"restart,signal,exit,ignore" help:"What to do after a change: restart CMD, send it --signal, exit (CMD is stopped), or ignore it."`
	Signal      string        `placeholder:"TERM|HUP|INT|QUIT|USR1|USR2" values:"TERM,HUP,INT,QUIT,USR1,USR2" help:"The signal that stops CMD for a restart or an exit, or that tells it of a change. Default: TERM; with --on-change signal: HUP."`
	Debounce    time.Duration `default:"500ms" help:"How long to collect further changes after a change."`
	Grace       time.Duration `default:"10s" aliases:"kill-after" help:"Time between --signal and SIGKILL for a CMD that does not end."`
	SkipInvalid bool          `help:"Leave out keys that cannot be variables, with a line on standard error. Default: fail."`
	cmdAuth
}

// Help is shown by "docent exec --help".
func (execCommand) Help() string {
	return `CMD runs with a variable for each key below PATH. The name of the variable is the key with upper-case letters, and with _ ` +
		`in place of each /, - and dot: db/max-size becomes DB_MAX_SIZE. Other characters, a first digit, a value with a zero byte or of more than 128 KiB, and ` +
		`two keys with the same name are errors. So are names that change how programs are loaded, such as PATH and LD_PRELOAD, and ` +
		`names that begin with DOCENT_. A variable that docent itself was given is not replaced.` + "\n\n" +
		`After a change of the variables CMD is restarted: it gets --signal, and SIGKILL after --grace. If the keys become invalid or ` +
		`PATH is deleted, docent says so, and CMD runs on with what it has. CMD runs on while ZooKeeper does not answer. If CMD ends by itself, docent ` +
		`ends with its exit code. Signals are passed on to CMD; after SIGINT, SIGTERM, SIGHUP and SIGQUIT CMD is not restarted. ` +
		`A program that may write below PATH chooses the variables of CMD.` + "\n\n" +
		`Example: docent exec /config/api --prefix API_ -- ./api`
}

func (c *execCommand) check() error {
	if c.Signal == "" {
		c.Signal = "TERM"
		if c.OnChange == "signal" {
			c.Signal = "HUP"
		}
	}
	switch {
	case signalsByName[strings.TrimPrefix(c.Signal, "SIG")] == nil:
		return usagef("exec: --signal %q is unknown; use TERM, HUP, INT, QUIT, USR1 or USR2", c.Signal)
	case c.Prefix != "" && !validName(c.Prefix):
		return usagef("exec: --prefix %q cannot begin the name of a variable; use letters, digits and _, and a letter first", c.Prefix)
	}
	return nil
}

// Run runs CMD with the tree as its environment.
func (c *execCommand) Run(ctx context.Context, a *app) error {
	if err := c.check(); err != nil {
		return err
	}
	task := "exec " + c.Path
	if err := withTask(task, checkTree(c.Path)); err != nil {
		return err
	}
	if err := lookCmd(task, c.Cmd); err != nil {
		return err
	}
	var tree *config.Tree[[]byte]
	var sm *session.Manager
	return a.acquired(ctx, func(ctx context.Context, m *session.Manager) (err error) {
		sm = m
		tree, err = a.openTree(ctx, m, c.Path, treeLimits{})
		return err
	}, func(signals <-chan os.Signal, err error) error {
		if tree != nil {
			defer func() { _ = tree.Close() }() // never fails
		}
		if err == nil {
			err = a.withSilenceWarnings(ctx, task, sm, func() error { return c.supervise(ctx, a, task, tree, signals) })
		}
		return withTask(task, err)
	})
}

// supervise runs CMD, and again after changes.
func (c *execCommand) supervise(ctx context.Context, a *app, task string, tree *config.Tree[[]byte], signals <-chan os.Signal) error {
	vars, skipped, err := c.variables(a, tree.Load())
	if err != nil {
		return err
	}
	a.noteAll(task, skipped)
	a.noteForeign(task, tree.Load())
	ctx, cancel := context.WithCancel(ctx)
	changes := make(chan []string)
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		c.follow(ctx, a, task, tree, vars, changes)
	}()
	defer func() {
		cancel()
		<-followed
	}()
	for {
		out, next, err := c.runOnce(ctx, a, vars, changes, signals)
		a.code = out.Code
		if err != nil || next == nil || c.OnChange == "exit" {
			return err
		}
		if slices.ContainsFunc(out.Signals, func(sig os.Signal) bool { return slices.Contains(endsWait, sig) }) {
			return nil
		}
		a.note("%s: the keys have changed: CMD was stopped (code %d), and is started again", task, out.Code)
		vars = next
	}
}

// runOnce runs CMD until it ends. It returns the variables of the next CMD if
// a change has ended this one.
func (c *execCommand) runOnce(ctx context.Context, a *app, vars []string, changes <-chan []string,
	signals <-chan os.Signal) (out child.Outcome, next []string, err error) {
	within, stop := context.WithCancel(ctx)
	own := make(chan os.Signal)
	watched := make(chan struct{})
	sig := signalsByName[strings.TrimPrefix(c.Signal, "SIG")]
	go func() {
		defer close(watched)
		for {
			select {
			case <-within.Done():
				return
			case vars := <-changes:
				if c.OnChange == "signal" {
					select {
					case own <- sig:
					case <-within.Done():
					}
					continue
				}
				next = vars
				stop()
			}
		}
	}()
	out, err = child.Run(within, child.Command{
		Args: c.Cmd, Env: append(a.cmdEnv(vars...), "DOCENT_PATH="+c.Path), Stdin: a.stdin, Stdout: a.stdout, Stderr: a.stderr,
		Grace: c.Grace, Stop: sig, Own: own,
	}, signals)
	stop()
	<-watched
	if !out.Stopped {
		next = nil // CMD has ended by itself
	}
	return out, next, err
}

// follow sends the variables after each change of them, until ctx ends.
func (c *execCommand) follow(ctx context.Context, a *app, task string, tree *config.Tree[[]byte], vars []string, changes chan<- []string) {
	problem := ""
	say := func(err error) {
		text := ""
		if err != nil {
			text = nodeReason(err)
		}
		if text != problem && text != "" {
			a.note("%s: %s; CMD keeps its variables", task, text)
		}
		problem = text
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for _, err := range tree.Changes(ctx) {
		if c.OnChange == "ignore" {
			return
		}
		if err != nil {
			say(err)
			continue
		}
		timer.Reset(c.Debounce)
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		now, _, err := c.variables(a, tree.Load())
		if say(err); err != nil || slices.Equal(now, vars) {
			continue
		}
		select {
		case changes <- now:
			vars = now
		case <-ctx.Done():
			return
		}
	}
}

// variables returns the variables of a snapshot, sorted, and what is left out.
func (c *execCommand) variables(a *app, snap *config.TreeSnapshot[[]byte]) (vars, skipped []string, err error) {
	if err := complete(c.Path, snap); err != nil {
		return nil, nil, err
	}
	names := make(map[string]string) // the key of each variable
	for k := range snap.All() {
		name, why := c.variable(k.Key, k.Value)
		if first, twice := names[name]; why == "" && twice {
			why = fmt.Sprintf("it has the same variable as the key %s, %s", oneLine(first), name)
		}
		switch {
		case why != "" && c.SkipInvalid:
			skipped = append(skipped, fmt.Sprintf("the key %s is left out: %s", oneLine(k.Key), why))
			continue
		case why != "":
			return nil, nil, fmt.Errorf("the key %s cannot be a variable: %s; rename it, give --prefix, or leave it out with --skip-invalid", oneLine(k.Key), why)
		case a.has(name):
			skipped = append(skipped, fmt.Sprintf("the key %s is left out: docent itself was given %s", oneLine(k.Key), name))
			continue
		}
		names[name] = k.Key
		vars = append(vars, name+"="+string(k.Value))
	}
	slices.Sort(vars)
	return vars, skipped, nil
}

// maxVariable is the size of the largest variable that Linux passes on.
const maxVariable = 128<<10 - 1

// variable returns the name of a key's variable, or why it cannot be one.
func (c *execCommand) variable(key string, value []byte) (name, why string) {
	name = c.Prefix + strings.Map(func(r rune) rune {
		switch r {
		case '/', '-', '.':
			return '_'
		}
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, key)
	switch {
	case !validName(name):
		return "", "its name has other characters than letters, digits, _, -, dots and /, or begins with a digit"
	case loadsPrograms(name):
		return "", "the variable " + name + " changes how programs are found or loaded, or is docent's own"
	case slices.Contains(value, 0):
		return "", "its value has a zero byte"
	case len(name)+1+len(value) >= maxVariable:
		return "", fmt.Sprintf("its value has %d bytes, and a variable at most %d", len(value), maxVariable-len(name)-2)
	}
	return name, ""
}

// validName reports whether a shell knows a variable by this name.
func validName(name string) bool {
	for i, r := range name {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

// loaders are variables that choose code which CMD runs, and loaderPrefixes
// begin such names. Docent's own are among them: a CMD may run docent.
var (
	loaders = []string{
		"PATH", "IFS", "ENV", "BASH_ENV", "SHELLOPTS", "BASHOPTS", "PS4", "PROMPT_COMMAND", "GCONV_PATH", "GLIBC_TUNABLES", "NODE_OPTIONS", "NODE_PATH",
		"PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PERL5LIB", "PERL5OPT", "RUBYLIB", "RUBYOPT", "CLASSPATH", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS",
		"_JAVA_OPTIONS",
	}
	loaderPrefixes = []string{"LD_", "DYLD_", "DOCENT_"}
)

func loadsPrograms(name string) bool {
	return slices.Contains(loaders, name) ||
		slices.ContainsFunc(loaderPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// has reports whether docent was given a variable.
func (env *environment) has(name string) bool {
	return slices.ContainsFunc(env.environ, func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
}

// noteAll prints lines on standard error.
func (a *app) noteAll(task string, lines []string) {
	for _, line := range lines {
		a.note("%s: %s", task, line)
	}
}
