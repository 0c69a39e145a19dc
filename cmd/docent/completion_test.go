//go:build unix

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// printed runs a command that needs no server, and returns what it prints.
func printed(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs safeBuffer
	code := run(context.Background(), environment{args: args, stdin: strings.NewReader(""), stdout: &out, stderr: &errs})
	require.Zero(t, code, errs.String())
	require.Empty(t, errs.String())
	return out.String()
}

// need returns where a program is. With CI=true there must be one.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil && os.Getenv("CI") == "true" {
		require.Failf(t, "CI=true forbids skipping", "%v", err)
	}
	if err != nil {
		t.Skipf("%v (Debian: apt-get install %s)", err, program)
	}
	return path
}

// Each shell is asked what it would offer at the end of a line.
func TestCompletion(t *testing.T) {
	ask := map[string]func(t *testing.T, script, line string) []string{
		"bash": func(t *testing.T, script, line string) []string {
			return shell(t, need(t, "bash"), `source "$1"; read -ra COMP_WORDS <<<"$2"; [[ $2 == *' ' ]] && COMP_WORDS+=(''); `+
				`COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _docent; printf '%s\n' "${COMPREPLY[@]}"`, script, line)
		},
		"zsh": func(t *testing.T, script, line string) []string {
			// Completion proper needs a terminal: what the script would offer
			// is taken where it offers it.
			return shell(t, need(t, "zsh"), `_describe() { for offer in ${(P)@[-1]}; do [[ $offer == ${words[CURRENT]}* ]] && print -r -- ${offer%%:*}; done; true }; `+
				`_files() { ls -d ${words[CURRENT]}* }; _normal() { print normal }; `+
				`words=(${(s: :)2}); [[ $2 == *' ' ]] && words+=(''); CURRENT=$#words; service=docent; compdef() { }; source $1; _docent`, script, line)
		},
		"fish": func(t *testing.T, script, line string) []string {
			offers := shell(t, need(t, "fish"), `source $argv[1]; complete -C $argv[2]`, script, line)
			for i, offer := range offers {
				offers[i], _, _ = strings.Cut(offer, "\t")
			}
			return offers
		},
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for name, offers := range ask {
		t.Run(name, func(t *testing.T) {
			script := filepath.Join(t.TempDir(), "script")
			require.NoError(t, os.WriteFile(script, []byte(printed(t, "completion", name)), 0o600))
			for line, want := range map[string][]string{
				"docent lea":                          {"leader"},
				"docent --servers zk1:2181 lea":       {"leader"},
				"docent --servers lock lea":           {"leader"}, // lock is the value of a flag
				"docent config se":                    {"set"},
				"docent lock /a --tr":                 {"--try"},
				"docent config set /a 1 --cre":        {"--create"},
				"docent completion ba":                {"bash"},
				"docent lock /a --tls-ca " + file:     {file},
				"docent --sasl-password-file " + file: {file},
				"docent --sasl-user lock lea":         {"leader"},
				"docent lock /a --sasl-u":             {"--sasl-user"},
				"docent config get /a --permits-x":    nil,
			} {
				require.ElementsMatch(t, want, offers(t, script, line), line)
			}
			require.Contains(t, offers(t, script, "docent "), "elect")
		})
	}
}

// Each shell asks docent for paths: with the flags that say where they are, and
// with no secret.
func TestCompletion_paths(t *testing.T) {
	dir := t.TempDir()
	asked := filepath.Join(dir, "asked")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "docent"),
		[]byte("#!/bin/sh\necho \"$*\" >>\""+asked+"\"\necho /locks/a\necho /locks/b\n"), 0o700))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	ask := map[string]func(t *testing.T, script, line string) []string{
		"bash": func(t *testing.T, script, line string) []string {
			return shell(t, need(t, "bash"), `source "$1"; COMP_WORDS=(); for w in $2; do while [[ $w == *[=:]* ]]; do `+
				`p=${w%%[=:]*}; rest=${w#"$p"}; [[ $p ]] && COMP_WORDS+=("$p"); COMP_WORDS+=("${rest:0:1}"); w=${rest:1}; done; [[ $w ]] && COMP_WORDS+=("$w"); done; `+
				`COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _docent; printf '%s\n' "${COMPREPLY[@]}"`, script, line)
		},
		"zsh": func(t *testing.T, script, line string) []string {
			return shell(t, need(t, "zsh"), `_describe() { true }; _files() { ls -d ${words[CURRENT]}* }; _normal() { true }; compadd() { while [[ $1 != -- ]]; do shift; done; shift; print -rl -- $@ }; `+
				`words=(${(s: :)2}); CURRENT=$#words; service=docent; compdef() { }; source $1; _docent`, script, line)
		},
		"fish": func(t *testing.T, script, line string) []string {
			return shell(t, need(t, "fish"), `source $argv[1]; complete -C $argv[2] | string replace -r '\t.*' ''; true`, script, line)
		},
	}
	file := filepath.Join(t.TempDir(), "export.json")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for name, offers := range ask {
		t.Run(name, func(t *testing.T) {
			script := filepath.Join(t.TempDir(), "script")
			var out safeBuffer
			require.Zero(t, run(t.Context(), environment{args: words("completion " + name), stdout: &out, stderr: &out}))
			require.NoError(t, os.WriteFile(script, []byte(out.String()), 0o600))
			for _, c := range []struct {
				line, asked string
				offers      []string
			}{
				{"docent lock /lo", "complete-path -- /lo\n", words("/locks/a /locks/b")},
				{"docent --servers zk1:2181,zk2:2181/app --tls --auth-file f lock --wait 3s /lo",
					"--servers zk1:2181,zk2:2181/app --tls --auth-file f complete-path -- /lo\n", words("/locks/a /locks/b")},
				{"docent --auth digest:ann:" + secret + " config get /lo", "complete-path -- /lo\n", words("/locks/a /locks/b")},
				{"docent config diff /a --with /lo", "complete-path -- /lo\n", words("/locks/a /locks/b")},
				{"docent config sync /a " + file, "", []string{file}},
				{"docent lock /a -- /lo-such", "", nil},
				{"docent counter add /a /lo-such", "", nil},
			} {
				require.NoError(t, os.WriteFile(asked, nil, 0o600))
				got := offers(t, script, c.line)
				if name == "bash" && strings.Contains(c.line, "digest:") {
					continue // it counts the parts of the secret as arguments, and offers nothing
				}
				require.ElementsMatch(t, c.offers, got, c.line)
				was, err := os.ReadFile(asked)
				require.NoError(t, err)
				require.False(t, shows(string(was)))
				require.Equal(t, c.asked, string(was), c.line)
			}
			for line, want := range map[string]string{
				"docent queue put /q --layout k": "kazoo kazoo-locking", "docent leader /e --layout s": "selector", "docent lock /l --mode w": "write", "docent leader /e --acl c": "creator",
			} {
				require.Subset(t, offers(t, script, line), words(want), line)
			}
		})
	}
}

// zsh has the completion whichever way the script is loaded.
func TestCompletion_loadedByZsh(t *testing.T) {
	zsh := need(t, "zsh")
	script := filepath.Join(t.TempDir(), "_docent")
	require.NoError(t, os.WriteFile(script, []byte(printed(t, "completion", "zsh")), 0o600))
	const begin = "autoload -U compinit; "
	for how, line := range map[string]string{
		"sourced":       begin + `compinit -u -D; source $1; print $_comps[docent]; whence -w _docent`,
		"in the $fpath": begin + `fpath=($2 $fpath); compinit -u -D; print $_comps[docent]; whence -w _docent`,
	} {
		require.Equal(t, []string{"_docent", "_docent: function"}, shell(t, zsh, line, script, filepath.Dir(script)), how)
	}
	// Autoloaded, the file is the function's body at its first call.
	offered := shell(t, zsh, `_describe() { print -l -- ${(P)@[-1]} }; compdef() { print "registered anew" }; `+
		`autoload -U $1; words=(docent ''); CURRENT=2; _docent`, script)
	require.Contains(t, strings.Join(offered, "\n"), "inspect:")
	require.NotContains(t, offered, "registered anew")
}

// A user of zsh presses the tabulator.
func TestCompletion_typedInZsh(t *testing.T) {
	zsh := need(t, "zsh")
	script := filepath.Join(t.TempDir(), "_docent")
	require.NoError(t, os.WriteFile(script, []byte(printed(t, "completion", "zsh")), 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, zsh, "-f", "-c", `zmodload zsh/zpty; zpty z zsh -f -i
zpty -w z "autoload -U compinit; compinit -u -D; source $1; docent() { print -r \"<\$*>\" }; PS1=rea''dy"
zpty -r z line '*ready*'
for typed want in "${@:2}"; do
	print -r -- $typed
	zpty -w z "$(print -n -- $typed)"
	zpty -r z line "*<$want>*"
done
zpty -d z`, "test", script,
		`docent lea\t`, "leader", `docent config hi\t`, "config history", `docent inspect --dea\t`, "inspect --deadlocks",
		`docent completion fi\t`, "completion fish", `docent --json ver\t`, "--json version")
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "the last of these is not completed: %s", out)
}

// shell runs a line of script with two arguments, and returns the lines that
// it prints.
func shell(t *testing.T, program, line string, args ...string) []string {
	t.Helper()
	command := []string{"-c", line}
	if filepath.Base(program) != "fish" { // the others want a name first
		command = append(command, "test")
	}
	cmd := exec.Command(program, append(command, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
}

func TestCompletionOfAnUnknownShell(t *testing.T) {
	var out, errs safeBuffer
	code := run(context.Background(), environment{args: []string{"completion", "tcsh"}, stdout: &out, stderr: &errs})
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs.String(), "bash")
	require.Equal(t, 1, strings.Count(errs.String(), "\n"))
}

// The manual page is one that the typesetter has nothing to say about, and
// names every command.
func TestMan(t *testing.T) {
	page := printed(t, "man")
	groff := exec.Command(need(t, "groff"), "-man", "-ww", "-Tutf8", "-P-cbou")
	groff.Stdin = strings.NewReader(page)
	var warnings strings.Builder
	groff.Stderr = &warnings
	text, err := groff.Output()
	require.NoError(t, err)
	require.Empty(t, warnings.String())
	require.Contains(t, string(text), "Coordination on ZooKeeper")
	for _, command := range []string{"lock <PATH>", "config get <PATH>", "elect <PATH>"} {
		require.Contains(t, page, command)
	}
}
