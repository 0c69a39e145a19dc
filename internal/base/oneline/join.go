// Package oneline joins errors and names into one line.
package oneline

import (
	"fmt"
	"slices"
	"strings"
)

// Join is errors.Join with "; " in place of line feeds. Its result wraps every
// error that is not nil. The result is one line if each error is. A single
// error is returned itself; without errors the result is nil. A text that
// another text repeats as its reason, after ": ", is said once.
func Join(all ...error) error { return join(0, all) }

// Named is how many errors Bounded shows, and how many names Names.
const Named = 8

// Bounded is Join whose text shows the first errors alone, and counts the rest.
// The result wraps every error.
func Bounded(all ...error) error { return join(Named, all) }

// Names lists names as "a, b, c". Above Named names it counts the rest, as in
// "a, b and 12 more".
func Names(names []string) string {
	if more := len(names) - Named; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:Named], ", "), more)
	}
	return strings.Join(names, ", ")
}

func join(limit int, all []error) error {
	some := joined{limit: limit}
	for _, err := range all {
		if err != nil {
			some.errs = append(some.errs, err)
		}
	}
	switch len(some.errs) {
	case 0:
		return nil
	case 1:
		return some.errs[0]
	}
	return &some
}

type joined struct {
	errs  []error
	limit int // of the texts that are shown; 0 without a limit
}

func (j *joined) Error() string {
	texts := make([]string, len(j.errs))
	for i, err := range j.errs {
		texts[i] = err.Error()
	}
	var said []string
	for i, text := range texts {
		repeats := func(other string) bool { return strings.HasSuffix(other, ": "+text) }
		if !slices.ContainsFunc(texts, repeats) && !slices.Contains(texts[:i], text) {
			said = append(said, text)
		}
	}
	if more := len(said) - j.limit; j.limit > 0 && more > 0 {
		said = append(said[:j.limit], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(said, "; ")
}

func (j *joined) Unwrap() []error { return j.errs }
