package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/internal/base/visible"
	"github.com/docent-go/docent/session"
)

// problems prints what an operator must look at, and sets the exit code to 1 if
// there is anything. It reads the tree twice: what grows, and what is stuck,
// shows only then.
func (c *inspectCommand) problems(ctx context.Context, a *app, task string, sm *session.Manager) error {
	earlier, err := inspect.Read(ctx, sm, c.Path, c.options()...)
	if err != nil {
		return err
	}
	timer := time.NewTimer(c.Confirm)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	now, err := inspect.Read(ctx, sm, c.Path, c.options()...)
	if err != nil {
		return err
	}
	found := inspect.Problems(now, inspect.ProblemOptions{Held: c.Held, Waited: c.Waited, Growth: c.Growth,
		Earlier: earlier, Deadlocks: inspect.DeadlocksBetween(earlier, now).Deadlocks})
	if n := len(found); n > 0 {
		a.code = exitFailure
		a.note("%s: %s found", task, count(n, "problem"))
	} else if !a.globals.JSON {
		return a.printf("no problem\n")
	}
	for _, p := range found {
		if a.globals.JSON {
			err = a.printJSONAt(now.Taken, p)
		} else {
			err = a.printf("%s", problemText(p, now.Taken))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// problemText formats a problem: a line, and a line with the command.
func problemText(p inspect.Problem, now time.Time) string {
	kind := string(p.Kind)
	if !p.Since.IsZero() {
		kind += ", since " + ageOf(p.Since, now)
	}
	text := fmt.Sprintf("%s  %s  %s: %s\n", p.Severity, oneLine(p.Path), kind, oneLine(p.Text))
	if len(p.Command) > 0 {
		text += "  docent " + shellWords(p.Command) + "\n"
	}
	return text
}

// shellWords writes arguments as a shell reads them. A word with characters
// that a reader does not see is written with escapes, as bash, zsh and ksh read
// them.
func shellWords(args []string) string {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = shellWord(arg)
	}
	return strings.Join(words, " ")
}

func shellWord(arg string) string {
	safe := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("/._-+:@%,=", r)
	}
	switch {
	case arg != "" && strings.IndexFunc(arg, func(r rune) bool { return !safe(r) }) < 0:
		return arg
	case visible.Bytes(arg) == strings.ReplaceAll(arg, `\`, `\\`):
		return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
	}
	var b strings.Builder
	for i := range len(arg) { // byte for byte: every shell agrees on \x
		switch c := arg[i]; {
		case c == '\'' || c == '\\':
			b.WriteString(`\` + string(rune(c)))
		case ' ' <= c && c < 0x7f:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, `\x%02x`, c)
		}
	}
	return "$'" + b.String() + "'"
}
