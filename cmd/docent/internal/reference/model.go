package reference

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// command is one command, with its path from the root.
type command struct {
	*kong.Node
	words []string // "docent", "config", "get"
	flags []*kong.Flag
}

// commands lists the program itself and all its commands, each before those
// below it.
func commands(app *kong.Application) []command {
	var all []command
	var walk func(node *kong.Node, words []string, inherited []*kong.Flag)
	walk = func(node *kong.Node, words []string, inherited []*kong.Flag) {
		flags := slices.Clone(inherited)
		for _, flag := range node.Flags {
			if !flag.Hidden {
				flags = append(flags, flag)
			}
		}
		all = append(all, command{node, words, flags})
		for _, child := range subcommands(node) {
			walk(child, append(slices.Clone(words), child.Name), flags)
		}
	}
	walk(app.Node, []string{app.Name}, nil)
	return all
}

func subcommands(node *kong.Node) []*kong.Node {
	var all []*kong.Node
	for _, child := range node.Children {
		if child.Type == kong.CommandNode && !child.Hidden {
			all = append(all, child)
		}
	}
	return all
}

// path is the command's name in scripts.
func (c command) path() string { return strings.Join(c.words, " ") }

// takesValue reports whether a word follows the flag.
func takesValue(flag *kong.Flag) bool { return !flag.IsBool() && !flag.IsCounter() }

// takesFile reports whether that word is the name of a file.
func takesFile(flag *kong.Flag) bool { return strings.Contains(flag.PlaceHolder, "FILE") }

// names are the spellings of a flag.
func names(flag *kong.Flag) []string {
	all := []string{"--" + flag.Name}
	if flag.Short != 0 {
		all = append(all, "-"+string(flag.Short))
	}
	return all
}

// choices are the words that a flag takes, if they are known.
func choices(flag *kong.Flag) []string {
	if flag.Enum == "" {
		return nil
	}
	return flag.EnumSlice()
}

// choices are the words that the command takes as arguments, if they are known.
func (c command) choices() []string {
	var words []string
	for _, arg := range c.Positional {
		if arg.Enum != "" {
			words = append(words, arg.EnumSlice()...)
		}
	}
	return words
}

// sentence returns the first sentence of a help text, without its full stop.
func sentence(help string) string {
	if end := strings.Index(help, ". "); end >= 0 {
		help = help[:end]
	}
	return strings.TrimSuffix(help, ".")
}

// valued lists the spellings of every flag, of any command, that takes a value.
// The word after such a flag is not a command.
func valued(all []command) []string {
	var spellings []string
	for _, c := range all {
		for _, flag := range c.flags {
			if takesValue(flag) {
				spellings = append(spellings, names(flag)...)
			}
		}
	}
	slices.Sort(spellings)
	return slices.Compact(spellings)
}
