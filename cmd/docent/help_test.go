//go:build unix

package main

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
)

// The help of a command lists its own flags first, and the flags of every
// command below a title of their own.
func TestOwnFlagsComeFirst(t *testing.T) {
	testworld.Sequential(t)
	parser, err := kong.New(new(grammar), append(decoders(), kong.Name("docent"))...)
	require.NoError(t, err)
	checked := 0
	for _, leaf := range parser.Model.Leaves(false) {
		line := strings.TrimPrefix(leaf.FullPath(), "docent ")
		_, text, _ := docent(t, append(words(line), "--help"))
		own, global, found := strings.Cut(text, "\nGlobal flags:\n")
		require.True(t, found, line)
		require.Contains(t, global, "--servers=", line)
		require.Contains(t, global, "--help", line)
		require.NotContains(t, own, "--servers=", line)
		for _, flag := range leaf.Flags {
			if !flag.Hidden {
				require.Regexp(t, `(?m)^ +(-., )?--`+flag.Name+`\b`, own, line)
				require.NotRegexp(t, `(?m)^ +(-., )?--`+flag.Name+`[= ]`, global, line)
				checked++
			}
		}
	}
	require.Greater(t, checked, 50, "the commands have flags of their own")

	_, text, _ := docent(t, words("--help"))
	require.Less(t, strings.Index(text, "Commands:"), strings.Index(text, "Global flags:"), "the commands come before the flags")
}

// The manual page has the flags of every command at its end.
func TestManPageHasTheGlobalFlagsLast(t *testing.T) {
	text := printed(t, "man")
	require.Less(t, strings.Index(text, "\n.SH COMMANDS\n"), strings.Index(text, "\n.SH GLOBAL FLAGS\n"))
	require.NotContains(t, text, ".SH OPTIONS")
	_, global, _ := strings.Cut(text, "\n.SH GLOBAL FLAGS\n")
	require.Contains(t, global, `\-\-connect\-timeout`)
}
