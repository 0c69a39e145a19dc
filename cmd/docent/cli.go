package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/docent-go/docent/session"
)

// grammar is the command line. Each command is in the file of its name.
type grammar struct {
	globals

	Demo       demoCommand       `cmd:"" help:"Show locks, loss, failover and config on an embedded server."`
	Dev        devCommand        `cmd:"" help:"Run the embedded server in the foreground, for development."`
	Lock       lockCommand       `cmd:"" help:"Run a command while holding a lock."`
	Once       onceCommand       `cmd:"" help:"Run a command once per interval, on one of several machines."`
	Elect      electCommand      `cmd:"" help:"Run a command while leading."`
	Exec       execCommand       `cmd:"" help:"Run a command with a tree of keys as its environment, and again after changes."`
	Leader     leaderCommand     `cmd:"" help:"Print the leader of an election, or transfer the leadership."`
	Barrier    barrierCommand    `cmd:"" help:"Set, lift and wait for a gate; run commands together."`
	Counter    counterCommand    `cmd:"" help:"Print, add to and set a counter."`
	Config     configCommand     `cmd:"" help:"Read, write, delete and watch config keys."`
	Queue      queueCommand      `cmd:"" help:"Put items into a queue, take them, and handle dead letters."`
	Group      groupCommand      `cmd:"" help:"Join, list and watch a group of processes."`
	Service    serviceCommand    `cmd:"" help:"Register, list, watch, pick and drain instances of services."`
	Inspect    inspectCommand    `cmd:"" help:"Print the locks, queues and other recipes in ZooKeeper; find deadlocks."`
	ACL        aclCommand        `cmd:"" name:"acl" help:"Check who else has rights on a tree; make a tree of your own."`
	Status     statusCommand     `cmd:"" help:"Print which servers serve, whether there is a quorum, and our session and rights."`
	Revoke     revokeCommand     `cmd:"" help:"Ask the holders of a lock to release it."`
	Remove     removeCommand     `cmd:"" help:"Delete a znode that docent inspect marks as abandoned."`
	UI         uiCommand         `cmd:"" name:"ui" help:"Serve a web page that shows what docent inspect prints."`
	Completion completionCommand `cmd:"" help:"Print a script that completes the command line in a shell."`
	Man        manCommand        `cmd:"" help:"Print the manual page."`
	Version    versionCommand    `cmd:"" help:"Print the version."`

	CompletePath completePathCommand `cmd:"" hidden:"" help:"Print paths for the completion of a shell."`
}

const description = `Coordination on ZooKeeper, from the shell.

Exit codes: CMD's own; 2 wrong usage; 69 ZooKeeper cannot be reached; 75 not acquired in time; 79 the hold was ` +
	`lost while CMD ran; 80 another client asked for the hold while CMD ran; 126 CMD cannot be executed; 127 CMD was not found; 128+n ended by signal n; 1 any other failure.`

// app is one invocation of docent.
type app struct {
	*environment
	globals  *globals
	log      *slog.Logger
	sm       *session.Manager // set by connect
	answered answered
	files    files // set by readFiles
	// passAuth leaves docent's secrets in the environment of CMD.
	passAuth bool
	creates  bool // the command may create znodes
	// code is the exit code if Run returns no error, such as CMD's own.
	code int
}

// helpRequested is the value of the panic that leaves the parser after the help
// was printed.
type helpRequested struct{}

// run runs the command line and returns the exit code. It prints an error in
// one line on standard error.
func run(ctx context.Context, env environment) int {
	var cli grammar
	a := &app{environment: &env, globals: &cli.globals}
	command, err := parse(&cli, &env)
	if command == nil && err == nil {
		return 0
	}
	if err == nil {
		a.log = newLogger(&env, cli.Verbose)
		err = a.quiet(command, func() error {
			if err := a.readFiles(command); err != nil {
				return err
			}
			command.BindTo(ctx, (*context.Context)(nil))
			verb, ok := command.Selected().Target.Addr().Interface().(creator)
			a.creates = ok && verb.creates()
			return command.Run(a)
		})
	}
	if err != nil {
		line, code := explain(err)
		fmt.Fprintf(env.stderr, "docent: %s\n", line)
		return code
	}
	return a.code
}

// globalFlags is the title of the flags of every command.
var globalFlags = kong.Group{Key: "global", Title: "Global flags:"}

// parse returns the chosen command. It returns nil, nil if it has printed the
// help.
func parse(cli *grammar, env *environment) (command *kong.Context, err error) {
	options := append(decoders(),
		kong.Name("docent"),
		kong.Description(description),
		kong.Writers(env.stdout, env.stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, FlagsLast: true}),
		kong.Resolvers(fromEnvironment(env)),
		kong.Exit(func(int) { panic(helpRequested{}) }),
	)
	parser, err := kong.New(cli, options...)
	if err != nil {
		return nil, fmt.Errorf("the command line's own grammar: %w", err)
	}
	// A command's help lists flags without a group first.
	for _, flag := range parser.Model.Flags {
		flag.Group = &globalFlags
	}
	defer func() {
		switch r := recover(); r {
		case nil:
		case helpRequested{}:
			command, err = nil, nil
		default:
			panic(r)
		}
	}()
	args := usualWords(env.args)
	command, err = parser.Parse(markNumbers(args))
	if err != nil {
		return nil, usageOf(err, args)
	}
	if err := cmp.Or(rejectEmpty(command), rejectNegative(command), checkPartners(command)); err != nil {
		return nil, &usageError{text: err.Error()}
	}
	return command, nil
}

// helpFor returns the --help command that explains a wrong command line.
func helpFor(err error) string {
	words := []string{"docent"}
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		for _, path := range parse.Context.Path {
			if path.Command != nil {
				words = append(words, path.Command.Name)
			}
		}
	}
	return strings.Join(append(words, "--help"), " ")
}

// fromEnvironment sets a flag from its environment variable if the command line
// does not set it.
func fromEnvironment(env *environment) kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		if variable, ok := variables[flag.Name]; ok {
			if value := env.getenv(variable); value != "" {
				return value, nil
			}
		}
		return nil, nil // kong's sign for: no value
	})
}

// newLogger returns the session's logger. With --verbose it writes to standard
// error. Without, it prints only the warnings that a user can act on.
func newLogger(env *environment, verbose bool) *slog.Logger {
	if !verbose {
		return slog.New(warningHandler{env})
	}
	return slog.New(sessionLog{slog.NewTextHandler(visibleWriter{env.stderr}, &slog.HandlerOptions{Level: slog.LevelDebug})})
}
