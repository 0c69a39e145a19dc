package reference

import (
	"fmt"
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
	switch {
	case flag.Enum != "":
		return flag.EnumSlice()
	case flag.Tag.Has("values"): // the command itself rejects the others
		return strings.Split(flag.Tag.Get("values"), ",")
	}
	return nil
}

// takesPath reports whether the word after the flag is a path in ZooKeeper.
func takesPath(flag *kong.Flag) bool { return flag.PlaceHolder == "PATH" }

// pathHelper is the hidden command that prints the paths which begin with a
// word.
const pathHelper = "complete-path"

// connecting lists the flags that say where the paths are: those that take a
// value, and the others. Flags whose value is a secret are not among them: other
// users can see the command line of the helper.
func connecting(app *kong.Application) (valued, others []string) {
	for _, flag := range app.Flags {
		switch {
		case !flag.Tag.Has("connects"):
		case takesValue(flag):
			valued = append(valued, names(flag)...)
		default:
			others = append(others, names(flag)...)
		}
	}
	return valued, others
}

// arguments lists the arguments of all commands that have the name, each as the
// path of the command and the number of the argument.
func arguments(all []command, name string) []string {
	var found []string
	for _, c := range all {
		for i, arg := range c.Positional {
			if arg.Name == name {
				found = append(found, fmt.Sprintf("%s %d", c.path(), i))
			}
		}
	}
	return found
}

// values is what to offer after a flag.
type values struct {
	at    []string // the path of each command that has the flag; nil: all commands
	names []string // of the flag
	flag  *kong.Flag
}

// special lists the flags whose values can be completed. Flags of the same name
// may have other values in other commands.
func special(all []command) []values {
	var order []string
	byName := make(map[string][]values)
	for _, c := range all {
		for _, flag := range c.flags {
			if !takesValue(flag) || !takesFile(flag) && !takesPath(flag) && len(choices(flag)) == 0 {
				continue
			}
			of := byName[flag.Name]
			if of == nil {
				order = append(order, flag.Name)
			}
			i := slices.IndexFunc(of, func(v values) bool {
				return slices.Equal(choices(v.flag), choices(flag)) && takesFile(v.flag) == takesFile(flag) && takesPath(v.flag) == takesPath(flag)
			})
			if i < 0 {
				i, of = len(of), append(of, values{names: names(flag), flag: flag})
			}
			of[i].at = append(of[i].at, c.path())
			byName[flag.Name] = of
		}
	}
	var found []values
	for _, name := range order {
		of := byName[name]
		if len(of) == 1 {
			of[0].at = nil
		}
		found = append(found, of...)
	}
	return found
}

// patterns returns what the path of the command and the flag before the word
// are, joined by a space, as a pattern of bash and zsh.
func (v values) patterns() string {
	var all []string
	for _, name := range v.names {
		if v.at == nil {
			all = append(all, "*"+quote(" "+name))
		}
		for _, at := range v.at {
			all = append(all, quote(at+" "+name))
		}
	}
	return strings.Join(all, "|")
}

// quotedAll quotes words as alternatives of a pattern.
func quotedAll(words []string) string {
	var all []string
	for _, word := range words {
		all = append(all, quote(word))
	}
	return strings.Join(all, "|")
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
