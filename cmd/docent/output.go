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

// printJSON prints one object on a line of its own.
func (a *app) printJSON(object any) error {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(object); err != nil {
		return fmt.Errorf("print the result: %w", err)
	}
	return a.printf("%s\n", visible(strings.TrimSuffix(line.String(), "\n")))
}

// visible escapes what cannot be printed as JSON does, so that it may be done
// to JSON text, in whose strings alone it occurs: the encoder leaves some of what
// terminals obey as it is.
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

// note tells on standard error what is no result and no failure. That it
// cannot be told is no reason to end what goes on.
func (a *app) note(format string, args ...any) {
	_, _ = fmt.Fprintf(a.stderr, "docent: %s\n", visible(fmt.Sprintf(format, args...)))
}

// clock writes a time of day for people: with its date if that is not today.
func clock(t, now time.Time) string {
	t = t.In(now.Location())
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}

// timestamp writes a time for machines, as JSON output has it.
func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
