package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/docent-go/docent/internal/base/znode"
)

// oneLine writes any bytes as a single line of text, from which the bytes can
// be read back. A backslash is written as two, a line feed as \n, a carriage
// return as \r, a tab as \t. Each other unprintable byte is written as \x and
// two hexadecimal digits.
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

// checkPath refuses a path that no recipe can use, before docent connects.
func checkPath(path string) error { return znode.Validate(path) }
