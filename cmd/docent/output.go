package main

import (
	"encoding/json"
	"fmt"
	"time"
)

// printJSON prints one object on a line of its own.
func (a *app) printJSON(object any) error {
	encoder := json.NewEncoder(a.stdout)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(object); err != nil {
		return fmt.Errorf("print the result: %w", err)
	}
	return nil
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
	_, _ = fmt.Fprintf(a.stderr, "docent: "+format+"\n", args...)
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
