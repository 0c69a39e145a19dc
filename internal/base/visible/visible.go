// Package visible writes text of others for terminals. A reader sees every
// character of it, and the terminal obeys none.
package visible

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Rune reports whether a terminal shows r as a mark of its own. The other runes
// move the cursor, change the direction of text, or leave no trace.
func Rune(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= ' ' && r != 0x7f
	}
	return unicode.IsPrint(r) && !unicode.In(r, ignorable, blank)
}

// Bytes writes any bytes as a single line of text, from which the bytes can be
// read back. A backslash is written as two, a line feed as \n, a carriage
// return as \r, a tab as \t. Each other byte that a terminal does not show is
// written as \x and two hexadecimal digits.
func Bytes(s string) string {
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
		case r == utf8.RuneError && width == 1, !Rune(r):
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

// Line escapes the characters that a terminal does not show, as JSON does:
// \u and four hexadecimal digits. JSON text stays JSON, because such characters
// occur in its strings alone. The encoder does not escape all of them.
func Line(text string) string { return escape(text, false) }

// Lines is Line for a text of several lines: tabs and line feeds stay.
func Lines(text string) string { return escape(text, true) }

func escape(text string, lines bool) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case Rune(r), lines && (r == '\n' || r == '\t'):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
