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
	s.line(`	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path=%s i=1 args=0 word value`, app.Name)
	s.line(`	local -a servers=() # the flags that say where the paths are`)
	s.line(`	COMPREPLY=()`)
	s.line(`	while ((i < COMP_CWORD)); do`)
	s.line(`		word=${COMP_WORDS[i]}`)
	s.line(`		case $word in`)
	s.line(`		--) # what follows is a command line of its own`)
	s.line(`			if ((i == COMP_CWORD - 1)); then mapfile -t COMPREPLY < <(compgen -c -- "$cur")`)
	s.line(`			else mapfile -t COMPREPLY < <(compgen -f -- "$cur"); fi`)
	s.line(`			return ;;`)
	valuedServers, otherServers := connecting(app)
	s.line(`		%s) # bash splits words at = and :`, strings.Join(valuedServers, "|"))
	s.line(`			((i++))`)
	s.line(`			[[ ${COMP_WORDS[i]} == = ]] && ((i++))`)
	s.line(`			value=${COMP_WORDS[i]}`)
	s.line(`			while ((i + 2 < COMP_CWORD)) && [[ ${COMP_WORDS[i+1]} == : ]]; do`)
	s.line(`				value+=:${COMP_WORDS[i+2]}`)
	s.line(`				((i += 2))`)
	s.line(`			done`)
	s.line(`			servers+=("$word" "$value") ;;`)
	s.line(`		%s) servers+=("$word") ;;`, strings.Join(append(equals(valuedServers), otherServers...), "|"))
	s.line(`		%s)`, strings.Join(valued(all), "|"))
	s.line(`			((i++))`)
	s.line(`			[[ ${COMP_WORDS[i]} == = ]] && ((i++)) ;;`)
	s.line(`		-?*) ;;`)
	s.line(`		*)`)
	s.line(`			case "$path $word" in`)
	s.line(`			%s) path="$path $word" ;;`, paths(all))
	s.line(`			*) ((args++)) ;;`)
	s.line(`			esac ;;`)
	s.line(`		esac`)
	s.line(`		((i++))`)
	s.line(`	done`)
	s.line(`	case "$path $prev" in`)
	for _, v := range special(all) {
		switch {
		case takesFile(v.flag):
			s.line(`	%s) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;`, v.patterns())
		case takesPath(v.flag):
			s.line(`	%s) _%s_paths; return ;;`, v.patterns(), app.Name)
		default:
			s.line(`	%s) mapfile -t COMPREPLY < <(compgen -W %s -- "$cur"); return ;;`, v.patterns(), quote(strings.Join(choices(v.flag), " ")))
		}
	}
	s.line(`	esac`)
	s.line(`	case $prev in`)
	s.line(`	%s) return ;;`, strings.Join(valued(all), "|"))
	s.line(`	esac`)
	s.line(`	case "$path $args" in`)
	s.line(`	%s)`, quotedAll(arguments(all, "PATH")))
	s.line(`		if [[ $cur == /* ]]; then`)
	s.line(`			_%s_paths`, app.Name)
	s.line(`			return`)
	s.line(`		fi ;;`)
	s.line(`	%s)`, quotedAll(arguments(all, "FILE")))
	s.line(`		if [[ -n $cur && $cur != -* ]]; then`)
	s.line(`			mapfile -t COMPREPLY < <(compgen -f -- "$cur")`)
	s.line(`			return`)
	s.line(`		fi ;;`)
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
	s.line(`_%s_paths() { # the paths in ZooKeeper that begin with the word`, app.Name)
	s.line(`	mapfile -t COMPREPLY < <(command %s "${servers[@]}" %s -- "$cur" 2>/dev/null </dev/null)`, app.Name, pathHelper)
	s.line(`	compopt -o nospace 2>/dev/null`)
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
	s.line(`	local place=%s word i=2 args=0`, app.Name)
	s.line(`	local -a found flags servers # the last: the flags that say where the paths are`)
	s.line(`	while ((i < CURRENT)); do`)
	s.line(`		word=$words[i]`)
	s.line(`		case $word in`)
	s.line(`		(--) # what follows is a command line of its own`)
	s.line(`			shift $i words`)
	s.line(`			((CURRENT -= i))`)
	s.line(`			_normal`)
	s.line(`			return ;;`)
	valuedServers, otherServers := connecting(app)
	s.line(`		(%s)`, strings.Join(valuedServers, "|"))
	s.line(`			((i++))`)
	s.line(`			servers+=($word "${(Q)words[i]}") ;;`)
	s.line(`		(%s) servers+=("${(Q)word}") ;;`, strings.Join(append(equals(valuedServers), otherServers...), "|"))
	s.line(`		(%s) ((i++)) ;;`, strings.Join(valued(all), "|"))
	s.line(`		(-?*) ;;`)
	s.line(`		(*)`)
	s.line(`			case "$place $word" in`)
	s.line(`			(%s) place="$place $word" ;;`, paths(all))
	s.line(`			(*) ((args++)) ;;`)
	s.line(`			esac ;;`)
	s.line(`		esac`)
	s.line(`		((i++))`)
	s.line(`	done`)
	s.line(`	case "$place $words[CURRENT-1]" in`)
	for _, v := range special(all) {
		switch {
		case takesFile(v.flag):
			s.line(`	(%s) _files; return ;;`, v.patterns())
		case takesPath(v.flag):
			s.line(`	(%s) _%s_paths; return ;;`, v.patterns(), app.Name)
		default:
			s.line(`	(%s) compadd -- %s; return ;;`, v.patterns(), strings.Join(choices(v.flag), " "))
		}
	}
	s.line(`	esac`)
	s.line(`	case $words[CURRENT-1] in`)
	s.line(`	(%s) return ;;`, strings.Join(valued(all), "|"))
	s.line(`	esac`)
	s.line(`	case "$place $args" in`)
	s.line(`	(%s)`, quotedAll(arguments(all, "PATH")))
	s.line(`		if [[ $words[CURRENT] == /* ]]; then`)
	s.line(`			_%s_paths`, app.Name)
	s.line(`			return`)
	s.line(`		fi ;;`)
	s.line(`	(%s)`, quotedAll(arguments(all, "FILE")))
	s.line(`		if [[ -n $words[CURRENT] && $words[CURRENT] != -* ]]; then`)
	s.line(`			_files`)
	s.line(`			return`)
	s.line(`		fi ;;`)
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
	s.line(`_%s_paths() { # the paths in ZooKeeper that begin with the word`, app.Name)
	s.line(`	found=(${(f)"$(command %s $servers %s -- $words[CURRENT] 2>/dev/null </dev/null)"})`, app.Name, pathHelper)
	s.line(`	(($#found)) && compadd -S '' -- $found`)
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
	valuedServers, otherServers := connecting(app)
	s.line("function __%s_words", app.Name)
	s.line("	# Prints the command that the words so far lead to, the number of its")
	s.line("	# arguments so far, and the flags that say where the paths are.")
	s.line("	set -l place %s", app.Name)
	s.line("	set -l args 0")
	s.line("	set -l servers")
	s.line("	set -l skip no")
	s.line("	for word in (commandline -opc)[2..]")
	s.line("		if test $skip != no")
	s.line("			test $skip = take; and set -a servers $word")
	s.line("			set skip no")
	s.line("			continue")
	s.line("		end")
	s.line("		switch $word")
	s.line("			case --")
	s.line("				return 1")
	s.line("			case %s", strings.Join(valuedServers, " "))
	s.line("				set -a servers $word")
	s.line("				set skip take")
	s.line("			case %s", strings.ReplaceAll(quotedAll(append(equals(valuedServers), otherServers...)), "|", " "))
	s.line("				set -a servers $word")
	s.line("			case %s", strings.Join(valued(all), " "))
	s.line("				set skip yes")
	s.line("			case '-*'")
	s.line("			case '*'")
	s.line(`				if contains "$place $word" %s`, strings.ReplaceAll(paths(all), "|", " "))
	s.line(`					set place "$place $word"`)
	s.line("				else")
	s.line("					set args (math $args + 1)")
	s.line("				end")
	s.line("		end")
	s.line("	end")
	s.line(`	printf '%%s\n' $place $args $servers`)
	s.line("end")
	s.line("function __%s_at", app.Name)
	s.line("	# Whether the words so far lead to the command that is named.")
	s.line("	set -l words (__%s_words); or return 1", app.Name)
	s.line(`	test "$words[1]" = "$argv"`)
	s.line("end")
	s.line("function __%s_argument", app.Name)
	s.line("	# Whether they lead to the command and to the argument of that number.")
	s.line("	set -l words (__%s_words); or return 1", app.Name)
	s.line(`	test "$words[1] $words[2]" = "$argv"`)
	s.line("end")
	s.line("function __%s_paths", app.Name)
	s.line("	# The paths in ZooKeeper that begin with the word.")
	s.line("	set -l words (__%s_words); or return", app.Name)
	s.line("	set -l word (commandline -ct)")
	s.line("	string match -q '/*' -- $word; or return")
	s.line("	command %s (test (count $words) -gt 2; and printf '%%s\\n' $words[3..]) %s -- $word 2>/dev/null </dev/null", app.Name, pathHelper)
	s.line("end")
	for _, at := range arguments(all, "PATH") {
		s.line(`complete -c %[1]s -n %[2]s -f -a '(__%[1]s_paths)'`, app.Name, quote(fmt.Sprintf("__%s_argument %s", app.Name, at)))
	}
	for _, at := range arguments(all, "FILE") {
		s.line(`complete -c %s -n %s -F`, app.Name, quote(fmt.Sprintf("__%s_argument %s", app.Name, at)))
	}
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
			case takesPath(flag):
				text += fmt.Sprintf(" -xa '(__%s_paths)'", app.Name)
			case takesValue(flag):
				text += " -x"
			}
			s.line("%s", text)
		}
	}
	return s.err
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

// equals returns patterns of the flags with their values in the same word.
func equals(flags []string) []string {
	var all []string
	for _, flag := range flags {
		all = append(all, flag+"=*")
	}
	return all
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
