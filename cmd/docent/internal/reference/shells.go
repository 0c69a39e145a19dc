package reference

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// Bash writes a completion script for bash.
func Bash(w io.Writer, app *kong.Application) error {
	all := commands(app)
	s := &script{w: w}
	s.line("# Completion of %[1]s for bash. Load it with: source <(%[1]s completion bash)", app.Name)
	s.line("_%s() {", app.Name)
	s.line(`	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path=%s i=1 word`, app.Name)
	s.line(`	COMPREPLY=()`)
	s.line(`	while ((i < COMP_CWORD)); do`)
	s.line(`		word=${COMP_WORDS[i]}`)
	s.line(`		case $word in`)
	s.line(`		--) # what follows is a command line of its own`)
	s.line(`			if ((i == COMP_CWORD - 1)); then mapfile -t COMPREPLY < <(compgen -c -- "$cur")`)
	s.line(`			else mapfile -t COMPREPLY < <(compgen -f -- "$cur"); fi`)
	s.line(`			return ;;`)
	s.line(`		%s) ((i++)) ;;`, strings.Join(valued(all), "|"))
	s.line(`		*)`)
	s.line(`			case "$path $word" in`)
	s.line(`			%s) path="$path $word" ;;`, paths(all))
	s.line(`			esac ;;`)
	s.line(`		esac`)
	s.line(`		((i++))`)
	s.line(`	done`)
	s.line(`	case $prev in`)
	for _, flag := range special(all) {
		if takesFile(flag) {
			s.line(`	%s) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;`, strings.Join(names(flag), "|"))
			continue
		}
		s.line(`	%s) mapfile -t COMPREPLY < <(compgen -W %s -- "$cur"); return ;;`, strings.Join(names(flag), "|"), quote(strings.Join(choices(flag), " ")))
	}
	s.line(`	%s) return ;;`, strings.Join(valued(all), "|"))
	s.line(`	esac`)
	s.line(`	case $path in`)
	for _, c := range all {
		words := c.choices()
		for _, child := range subcommands(c.Node) {
			words = append(words, child.Name)
		}
		for _, flag := range c.flags {
			words = append(words, names(flag)...)
		}
		s.line(`	%s) mapfile -t COMPREPLY < <(compgen -W %s -- "$cur") ;;`, quote(c.path()), quote(strings.Join(words, " ")))
	}
	s.line(`	esac`)
	s.line(`}`)
	s.line(`complete -F _%[1]s %[1]s`, app.Name)
	return s.err
}

// Zsh writes a completion script for zsh.
func Zsh(w io.Writer, app *kong.Application) error {
	all := commands(app)
	s := &script{w: w}
	s.line("#compdef %s", app.Name)
	s.line("# Completion of %[1]s for zsh. Load it behind compinit with: source <(%[1]s completion zsh), or write it to a file _%[1]s in a directory of $fpath.", app.Name)
	s.line(`_%s() {`, app.Name)
	s.line(`	local place=%s word i=2`, app.Name)
	s.line(`	local -a found flags`)
	s.line(`	while ((i < CURRENT)); do`)
	s.line(`		word=$words[i]`)
	s.line(`		case $word in`)
	s.line(`		(--) # what follows is a command line of its own`)
	s.line(`			shift $i words`)
	s.line(`			((CURRENT -= i))`)
	s.line(`			_normal`)
	s.line(`			return ;;`)
	s.line(`		(%s) ((i++)) ;;`, strings.Join(valued(all), "|"))
	s.line(`		(*)`)
	s.line(`			case "$place $word" in`)
	s.line(`			(%s) place="$place $word" ;;`, paths(all))
	s.line(`			esac ;;`)
	s.line(`		esac`)
	s.line(`		((i++))`)
	s.line(`	done`)
	s.line(`	case $words[CURRENT-1] in`)
	for _, flag := range special(all) {
		if takesFile(flag) {
			s.line(`	(%s) _files; return ;;`, strings.Join(names(flag), "|"))
			continue
		}
		s.line(`	(%s) compadd -- %s; return ;;`, strings.Join(names(flag), "|"), strings.Join(choices(flag), " "))
	}
	s.line(`	(%s) return ;;`, strings.Join(valued(all), "|"))
	s.line(`	esac`)
	s.line(`	case $place in`)
	for _, c := range all {
		s.line(`	(%s)`, quote(c.path()))
		for _, word := range c.choices() {
			s.line(`		found+=(%s)`, quote(word))
		}
		for _, child := range subcommands(c.Node) {
			s.line(`		found+=(%s)`, quote(described(child.Name, child.Help)))
		}
		for _, flag := range c.flags {
			for _, name := range names(flag) {
				s.line(`		flags+=(%s)`, quote(described(name, flag.Help)))
			}
		}
		s.line(`		;;`)
	}
	s.line(`	esac`)
	s.line(`	_describe %s found`, app.Name)
	s.line(`	_describe -o %s flags`, app.Name)
	s.line(`}`)
	s.line(`if [[ $funcstack[1] == _%[1]s ]]; then # loaded by compinit, in the place of the function`, app.Name)
	s.line(`	_%[1]s "$@"`, app.Name)
	s.line(`else`)
	s.line(`	compdef _%[1]s %[1]s`, app.Name)
	s.line(`fi`)
	return s.err
}

// described is a word with its help, in the format of zsh's _describe.
func described(word, help string) string {
	return strings.ReplaceAll(word, ":", `\:`) + ":" + sentence(help)
}

// Fish writes a completion script for fish.
func Fish(w io.Writer, app *kong.Application) error {
	all := commands(app)
	s := &script{w: w}
	s.line("# Completion of %[1]s for fish. Load it with: %[1]s completion fish | source", app.Name)
	s.line("function __%s_at", app.Name)
	s.line("	# Whether the words so far lead to the command that is named.")
	s.line("	set -l place %s", app.Name)
	s.line("	set -l skip no")
	s.line("	for word in (commandline -opc)[2..]")
	s.line("		if test $skip = yes")
	s.line("			set skip no")
	s.line("			continue")
	s.line("		end")
	s.line("		switch $word")
	s.line("			case --")
	s.line("				return 1")
	s.line("			case %s", strings.Join(valued(all), " "))
	s.line("				set skip yes")
	s.line("			case '*'")
	s.line(`				if contains "$place $word" %s`, strings.ReplaceAll(paths(all), "|", " "))
	s.line(`					set place "$place $word"`)
	s.line("				end")
	s.line("		end")
	s.line("	end")
	s.line(`	test "$place" = "$argv"`)
	s.line("end")
	for _, c := range all {
		at := "-n " + quote(fmt.Sprintf("__%s_at %s", app.Name, c.path()))
		if words := c.choices(); len(words) > 0 {
			s.line("complete -c %s %s -f -a %s", app.Name, at, quote(strings.Join(words, " ")))
		}
		for _, child := range subcommands(c.Node) {
			s.line("complete -c %s %s -f -a %s -d %s", app.Name, at, child.Name, quote(sentence(child.Help)))
		}
		for _, flag := range c.flags {
			text := fmt.Sprintf("complete -c %s %s -l %s -d %s", app.Name, at, flag.Name, quote(sentence(flag.Help)))
			if flag.Short != 0 {
				text += " -s " + string(flag.Short)
			}
			switch {
			case takesFile(flag):
				text += " -rF"
			case len(choices(flag)) > 0:
				text += " -xa " + quote(strings.Join(choices(flag), " "))
			case takesValue(flag):
				text += " -x"
			}
			s.line("%s", text)
		}
	}
	return s.err
}

// special lists the flags whose value can be completed, each name once.
func special(all []command) []*kong.Flag {
	var found []*kong.Flag
	seen := make(map[string]bool)
	for _, c := range all {
		for _, flag := range c.flags {
			if takesValue(flag) && (takesFile(flag) || len(choices(flag)) > 0) && !seen[flag.Name] {
				seen[flag.Name] = true
				found = append(found, flag)
			}
		}
	}
	return found
}

// paths lists all commands except the program itself, as alternatives of a
// pattern.
func paths(all []command) string {
	var quoted []string
	for _, c := range all[1:] {
		quoted = append(quoted, quote(c.path()))
	}
	return strings.Join(quoted, "|")
}

// quote quotes a text as a single word, for all three shells.
func quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'"'"'`) + "'"
}

// script writes lines and keeps the first error.
type script struct {
	w   io.Writer
	err error
}

func (s *script) line(format string, args ...any) {
	if s.err == nil {
		_, s.err = fmt.Fprintf(s.w, format+"\n", args...)
	}
}
