package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every command line of docent in the documentation is one that docent accepts. A block
// of shell has lines to type. Any other block, and a line of text, has synopses, and a line
// of text may leave arguments out.
func TestDocs_commandLinesParse(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	typed, synopses, mentioned := 0, 0, 0
	for _, page := range append(pages, "../../README.md", "../../ARCHITECTURE.md", "../../contrib/README.md") {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		language, inside, n := "", false, 0
		for line := range strings.Lines(string(text)) {
			n++
			fence, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
			switch {
			case isFence:
				language, inside = fence, !inside
				continue
			case inside && (language == "sh" || strings.Contains(line, "* * *")): // a line of cron is one of shell
				for _, args := range typedLines(line) {
					typed++
					requireParsed(t, page, n, args, false)
				}
			case inside && language == "":
				if synopsis, ok := strings.CutPrefix(strings.TrimPrefix(line, "$ "), "docent "); ok {
					synopsis, _, _ = strings.Cut(strings.TrimSpace(synopsis), "  ") // a remark
					synopses++
					requireSynopsis(t, page, n, synopsis, false)
				}
			case !inside:
				for _, span := range regexp.MustCompile("`docent ([^`]+)`").FindAllStringSubmatch(line, -1) {
					mentioned++
					requireSynopsis(t, page, n, strings.ReplaceAll(span[1], `\|`, "|"), true)
				}
			}
		}
	}
	require.Greater(t, typed, 30)
	require.Greater(t, synopses, 50)
	require.Greater(t, mentioned, 50)
}

// documented counts the command lines that requireParsed gets.
var documented int

func requireParsed(t *testing.T, page string, line int, args []string, partial bool) {
	t.Helper()
	if documented++; documented%oneIn != 0 {
		return
	}
	if err := parsed(args, partial); err != nil {
		t.Errorf("%s:%d: docent %s: %v", filepath.Base(page), line, strings.Join(args, " "), err)
	}
}

func requireSynopsis(t *testing.T, page string, line int, synopsis string, partial bool) {
	t.Helper()
	all, err := expanded(synopsis)
	if err != nil {
		t.Errorf("%s:%d: docent %s: %v", filepath.Base(page), line, synopsis, err)
	}
	for _, args := range all {
		requireParsed(t, page, line, args, partial)
	}
}

// parsed says what docent has against a command line. A partial one may leave arguments,
// required flags and the value of its last flag out.
func parsed(args []string, partial bool) error {
	var cli grammar
	_, err := parse(&cli, &environment{args: args, stdout: io.Discard, stderr: io.Discard})
	if err == nil {
		return nil
	}
	var usage *usageError
	if partial && errors.As(err, &usage) && usage.partial {
		return nil
	}
	return err
}

// word is a word of a shell: quoted as a whole or in part, or an operator.
var word = regexp.MustCompile(`^(?:"[^"]*"|'[^']*'|\$\([^)]*\)|[^\s"'|&;<>()#])(?:"[^"]*"|'[^']*'|\$\([^)]*\)|[^\s"'|&;<>()])*`)

// typedLines returns the arguments of each docent that a line of shell starts.
func typedLines(line string) (found [][]string) {
	for at := 0; ; {
		next := regexp.MustCompile(`(^|[\s(])docent\s`).FindStringIndex(line[at:])
		if next == nil {
			return found
		}
		at += next[1]
		if strings.Contains(line[:at], " # ") {
			return found // a remark
		}
		args := []string{}
		rest := line[at:]
		for {
			rest = strings.TrimLeft(rest, " \t")
			w := word.FindString(rest)
			if w == "" {
				break
			}
			args = append(args, unquoted(w))
			rest = rest[len(w):]
		}
		found = append(found, args)
	}
}

// unquoted returns a word as docent gets it. A number stands for the value of a variable.
func unquoted(word string) string {
	word = regexp.MustCompile(`"[^"]*"|'[^']*'`).ReplaceAllStringFunc(word, func(quoted string) string {
		return quoted[1 : len(quoted)-1]
	})
	return regexp.MustCompile(`^\$\w+$`).ReplaceAllString(word, "7")
}

// given has the placeholders that stand for a value of a certain form.
var given = map[string]string{
	"N": "1", "ID": "7", "COMMAND": "lock", "D": "1s", "K=V": "zone=a", "S": "round-robin", "ADDR": "127.0.0.1:80",
}

// expanded returns command lines that a synopsis allows, so that each alternative is in one
// of them. [a | b] may be left out, and a|b is one of the two. Outside of brackets, | begins
// another command.
func expanded(synopsis string) ([][]string, error) {
	synopsis = regexp.MustCompile(`\s*(…|\.\.\.)`).ReplaceAllString(synopsis, "")
	synopsis, command, runs := strings.Cut(synopsis, " -- ")
	all, rest, err := sequence(regexp.MustCompile(`'[^']*'|[^\s\[\]]+|[\[\]]`).FindAllString(synopsis, -1))
	if err == nil && len(rest) > 0 && rest[0] != "|" {
		err = fmt.Errorf("%q is too much", rest[0])
	}
	if runs {
		for i := range all {
			all[i] = append(append(all[i], "--"), strings.Fields(command)...)
		}
	}
	return all, err
}

// sequence reads words up to the end of an alternative.
func sequence(words []string) (all [][]string, rest []string, err error) {
	all = [][]string{nil}
	for len(words) > 0 && words[0] != "]" && words[0] != "|" {
		var choices [][]string
		if words[0] == "[" {
			choices = [][]string{nil}
			for words[0] != "]" {
				var more [][]string
				if more, words, err = sequence(words[1:]); err != nil {
					return nil, nil, err
				}
				if len(words) == 0 {
					return nil, nil, errors.New("[ has no end")
				}
				choices = append(choices, more...)
			}
		} else {
			for choice := range strings.SplitSeq(words[0], "|") {
				if value, ok := given[choice]; ok {
					choice = value
				}
				choices = append(choices, []string{strings.Trim(choice, "'")})
			}
		}
		words = words[1:]
		longer := make([][]string, max(len(all), len(choices)))
		for i := range longer {
			longer[i] = slices.Concat(all[i%len(all)], choices[i%len(choices)])
		}
		all = longer
	}
	return all, words, nil
}

func TestDocs_wrongCommandLinesAreFound(t *testing.T) {
	for _, line := range []string{
		"docent lok /l -- true", "docent lock /l --tries -- true", "docent lock /l --wait soon -- true", "docent lock -- true",
		"docent config set /c", "docent --json config push /c 1", "docent counter add /c one", "echo $(docent queue size /q)",
		"true && docent barrier raise /b; true", "docent inspect /a /b",
	} {
		args := typedLines(line)
		require.Len(t, args, 1, line)
		require.Error(t, parsed(args[0], false), line)
	}
	for _, synopsis := range []string{
		"lock PATH [--wait 30s | --tries] -- CMD", "lock PATH [--mode mutex | --permits many] -- CMD", "barrier set|raise PATH",
		"leader", "lock PATH [--try -- CMD", "inspect [PATH] [PATH]", "lock PATH ] -- CMD",
	} {
		all, err := expanded(synopsis)
		for _, args := range all {
			err = errors.Join(err, parsed(args, false))
		}
		require.Error(t, err, synopsis)
	}
	require.NoError(t, parsed([]string{"lock", "--try"}, true))
	require.Error(t, parsed([]string{"lock", "--tries"}, true), "a part names what there is")
	require.Error(t, parsed([]string{"lok"}, true))
}

func TestTypedLines(t *testing.T) {
	require.Equal(t, [][]string{{"a", "b c", `{"d":1}`, "7", "e"}}, typedLines(`docent a "b c" '{"d":1}' "$f" e # docent g`))
	require.Equal(t, [][]string{{"pick", "x"}, {"get"}}, typedLines(`curl "http://$(docent pick x)/" | docent get > file &`))
	require.Empty(t, typedLines("go install docent.example"))
}

func TestExpanded(t *testing.T) {
	all, err := expanded("a [b | c d|e] f|g [h] -- CMD ARGS")
	require.NoError(t, err)
	require.Equal(t, [][]string{
		{"a", "f", "--", "CMD", "ARGS"},
		{"a", "b", "g", "h", "--", "CMD", "ARGS"},
		{"a", "c", "d", "f", "--", "CMD", "ARGS"},
		{"a", "c", "e", "g", "h", "--", "CMD", "ARGS"},
	}, all)
}
