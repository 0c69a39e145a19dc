package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/docent-go/docent/internal/znode"
)

// oneLine writes any bytes as text on one line, and so that they can be told
// from the text: a backslash is doubled, a line feed is \n, a carriage return
// \r, a tab \t, and what cannot be printed is \x and two hexadecimal digits
// for each byte.
func oneLine(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, width := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\\':
			b.WriteString(`\\`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == utf8.RuneError && width == 1, !unicode.IsPrint(r):
			for _, c := range []byte(s[i : i+width]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		default:
			b.WriteString(s[i : i+width])
		}
		i += width
	}
	return b.String()
}

// checkPath refuses a path that no recipe can use, before anything is
// connected to.
func checkPath(path string) error { return znode.Validate(path) }
