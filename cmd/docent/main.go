// Command docent uses Docent's recipes from the shell. It runs a command while
// holding a lock or leading an election. It reads, writes and watches config
// keys, queues, groups and services. It also runs an embedded server for
// development.
//
// docs/command.md is the reference of the command. Each recipe is documented
// in its Go package, such as lock, election and config.
package main

import (
	"context"
	"os"

	"github.com/docent-go/docent/cmd/docent/internal/child"
)

func main() {
	stop := child.ReapOrphans()
	code := run(context.Background(), environment{
		args:     os.Args[1:],
		stdin:    os.Stdin,
		stdout:   os.Stdout,
		stderr:   os.Stderr,
		terminal: onTerminal(os.Stderr),
		environ:  os.Environ(),
		notify:   notify,
	})
	stop()
	os.Exit(code)
}
