package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// This file puts kong's errors into words for a user who sees docent for the
// first time: what is wrong, and what to write.

// usualWords gives three usual command lines their meaning: docent alone prints
// the help, as "docent help" does, and --version the version.
func usualWords(args []string) []string {
	switch {
	case len(args) == 0:
		return []string{"--help"}
	case args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	case args[0] == "--version":
		return append([]string{"version"}, args[1:]...)
	}
	return args
}

// usageOf returns the usage error for an error of kong.
func usageOf(err error, args []string) *usageError {
	text := strings.NewReplacer(dashMark, "", `\x00-`, "-").Replace(strings.TrimSpace(err.Error()))
	usage := &usageError{text: text, help: helpFor(err)}
	var parse *kong.ParseError
	if !errors.As(err, &parse) || parse.Context == nil {
		return usage
	}
	node := parse.Context.Selected()
	if node == nil {
		node = parse.Context.Model.Node
	}
	problem, meant, _ := strings.Cut(text, ", did you mean ")
	if enum := kongEnum.FindStringSubmatch(text); enum != nil {
		values := strings.Split(strings.ReplaceAll(enum[2], `"`, ""), ",")
		return &usageError{text: ofCommand(node, unknownValue(enum[1], enum[3], values...))}
	}
	switch {
	case strings.HasPrefix(problem, "unexpected argument "):
		usage.text = unexpected(node, strings.TrimPrefix(problem, "unexpected argument "), meant)
	case strings.HasPrefix(problem, "unknown flag "):
		if !strings.HasPrefix(problem, "unknown flag --") {
			meant = "" // each letter is as near as any other
		}
		usage.text = ofCommand(node, problem) + flagAdvice(node, meant, slices.Contains(args, "--"))
	case strings.HasPrefix(text, `expected "`), strings.HasPrefix(text, "expected one of "),
		strings.HasPrefix(text, "missing flags: "), strings.HasPrefix(text, "missing positional arguments "):
		usage.text, usage.partial = incomplete(node), true
	case strings.Contains(text, ` value but got "EOL" `):
		flag, _, _ := strings.Cut(text, ":")
		usage.text, usage.partial = ofCommand(node, flag+": the value is missing; write it after the flag"), true
	case strings.Contains(text, "; perhaps try "):
		flag, _, _ := strings.Cut(text, ":")
		usage.text = ofCommand(node, flag+": the value is missing; write a value that begins with - as "+flag+"=-x")
	default:
		usage.text = ofCommand(node, kongArgument.ReplaceAllString(text, "$1"))
	}
	return usage
}

// kongEnum is what kong says of a flag with an unknown value.
var kongEnum = regexp.MustCompile(`^(--[a-z-]+) must be one of (.*) but got (".*")$`)

// unknownValue is the text for a flag with a value that is not one of a list.
// got is quoted.
func unknownValue(flag, got string, values ...string) string {
	last := len(values) - 1
	return fmt.Sprintf("%s %s is unknown; use %s or %s", flag, got, strings.Join(values[:last], ", "), values[last])
}

// kongArgument is an argument as kong writes it at the beginning of an error.
var kongArgument = regexp.MustCompile(`^\[?<([A-Z]+)>(?: \.\.\.)?\]?`)

// ofCommand begins a text with the words that choose a command.
func ofCommand(node *kong.Node, text string) string {
	if node.Parent == nil {
		return text
	}
	return verbWords(node) + ": " + text
}

// verbWords returns the words that choose a command, such as "config get".
func verbWords(node *kong.Node) string { return strings.TrimPrefix(node.FullPath(), "docent ") }

// verbs returns the names of a command's verbs.
func verbs(node *kong.Node) (names []string) {
	for _, child := range node.Children {
		if child.Type == kong.CommandNode && !child.Hidden {
			names = append(names, child.Name)
		}
	}
	return names
}

// unexpected says that a word is not a verb of a command, or is one too many.
// meant are kong's guesses.
func unexpected(node *kong.Node, word, meant string) string {
	what := "verb"
	if node.Parent == nil {
		what = "command"
	}
	all := verbs(node)
	switch {
	case len(all) == 0:
		return ofCommand(node, fmt.Sprintf("%q is too much; write %s", word, synopsis(node)))
	case meant != "":
		return ofCommand(node, fmt.Sprintf("unknown %s %q; did you mean %s", what, word, meant))
	}
	return ofCommand(node, fmt.Sprintf("unknown %s %q; give %s", what, word, list(all, "or")))
}

// flagAdvice says what to do about an unknown flag. dashes says that the command
// line has a --.
func flagAdvice(node *kong.Node, meant string, dashes bool) string {
	runs := slices.ContainsFunc(node.Positional, func(arg *kong.Positional) bool { return arg.Name == "CMD" && arg.Set })
	switch {
	case runs && !dashes:
		return "; put -- before CMD and its flags: " + synopsis(node)
	case meant != "":
		return "; did you mean " + meant
	case len(node.Positional) > 0 && !dashes:
		return "; if it is an argument, put -- before it"
	}
	return ""
}

// incomplete says what a command line lacks.
func incomplete(node *kong.Node) string {
	if all := verbs(node); len(all) > 0 {
		if node.Parent == nil {
			return "a command is missing; give " + list(all, "or")
		}
		return fmt.Sprintf("%s needs a verb: %s", verbWords(node), list(all, "or"))
	}
	var lacks []string
	for _, arg := range node.Positional {
		if arg.Required && !arg.Set {
			lacks = append(lacks, arg.Name)
		}
	}
	for _, flag := range node.Flags {
		if flag.Required && !flag.Set {
			lacks = append(lacks, "--"+flag.Name)
		}
	}
	are := "are"
	if len(lacks) == 1 {
		are = "is"
	}
	return ofCommand(node, fmt.Sprintf("%s %s missing; write %s", list(lacks, "and"), are, synopsis(node)))
}

// synopsis returns the command line of a command, without flags that can be left
// out.
func synopsis(node *kong.Node) string {
	line, cmd := []string{node.FullPath()}, ""
	for _, arg := range node.Positional {
		word := arg.Name
		if arg.IsCumulative() && word != "CMD" {
			word += "..."
		}
		switch {
		case word == "CMD" && arg.Required:
			cmd = "-- CMD"
		case word == "CMD":
			cmd = "[-- CMD]"
		case !arg.Required:
			line = append(line, "["+word+"]")
		default:
			line = append(line, word)
		}
	}
	for _, flag := range node.Flags {
		if flag.Required {
			line = append(line, fmt.Sprintf("--%s %s", flag.Name, flag.FormatPlaceHolder()))
		}
	}
	if cmd != "" {
		line = append(line, cmd)
	}
	return strings.Join(line, " ")
}

// list joins words as a sentence does.
func list(all []string, last string) string {
	if n := len(all) - 1; n > 0 {
		return strings.Join(all[:n], ", ") + " " + last + " " + all[n]
	}
	return strings.Join(all, "")
}
