package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/base/visible"
)

// printJSON prints an object on one line.
func (a *app) printJSON(object any) error {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(object); err != nil {
		return fmt.Errorf("print the result: %w", err)
	}
	return a.printf("%s\n", visible.Line(strings.TrimSuffix(line.String(), "\n")))
}

// printJSONAt prints an object on one line, with the time at which it was read as
// its first field.
func (a *app) printJSONAt(taken time.Time, object any) error {
	fields, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("print the result: %w", err)
	}
	line := fmt.Sprintf(`{"taken":%q,`, timestamp(taken))
	return a.printJSON(json.RawMessage(line + string(fields[1:])))
}

// printf prints a result of one or more lines of text. It is the one way of text
// to standard output: what a terminal would obey, or not show, is escaped.
func (a *app) printf(format string, args ...any) error {
	return a.printData([]byte(visible.Lines(fmt.Sprintf(format, args...))))
}

// printData prints a value byte for byte, for a pipe or a file.
func (a *app) printData(data []byte) error {
	if _, err := a.stdout.Write(data); err != nil {
		return fmt.Errorf("print the result: %w", err)
	}
	return nil
}

// printValue is printData. On a terminal a line feed follows.
func (a *app) printValue(data []byte) error {
	if onTerminal(a.stdout) {
		data = append(slices.Clip(data), '\n')
	}
	return a.printData(data)
}

// visibleWriter writes the lines of a log for a terminal. Each Write has whole
// lines.
type visibleWriter struct{ w io.Writer }

// Write implements io.Writer.
func (v visibleWriter) Write(lines []byte) (int, error) {
	if _, err := io.WriteString(v.w, visible.Lines(string(lines))); err != nil {
		return 0, err
	}
	return len(lines), nil
}

// note prints a line on standard error that is neither a result nor a failure.
// It ignores an error of the write: the command goes on without the line.
func (a *app) note(format string, args ...any) {
	_, _ = fmt.Fprintf(a.stderr, "docent: %s\n", visible.Line(fmt.Sprintf(format, args...)))
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
