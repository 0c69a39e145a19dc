package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
)

// printJSON prints an object on one line.
func (a *app) printJSON(object any) error {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(object); err != nil {
		return fmt.Errorf("print the result: %w", err)
	}
	return a.printf("%s\n", visible(strings.TrimSuffix(line.String(), "\n")))
}

// visible escapes unprintable characters as JSON does. JSON text stays JSON:
// such characters occur in its strings alone. The encoder does not escape all
// that a terminal obeys.
func visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case unicode.IsPrint(r):
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

// printf prints a result.
func (a *app) printf(format string, args ...any) error {
	if _, err := fmt.Fprintf(a.stdout, format, args...); err != nil {
		return fmt.Errorf("print the result: %w", err)
	}
	return nil
}

// note prints a line on standard error that is neither a result nor a failure.
// It ignores an error of the write: the command goes on without the line.
func (a *app) note(format string, args ...any) {
	_, _ = fmt.Fprintf(a.stderr, "docent: %s\n", visible(fmt.Sprintf(format, args...)))
}

// clock formats a time of day for people, with its date if that is not today.
func clock(t, now time.Time) string {
	t = t.In(now.Location())
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}

// timestamp formats a time for JSON output.
func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
