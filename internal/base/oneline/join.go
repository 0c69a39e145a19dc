// Package oneline joins errors into one line.
package oneline

import (
	"slices"
	"strings"
)

// Join is errors.Join with "; " in place of line feeds. Its result wraps every
// error that is not nil. The result is one line if each error is. A single
// error is returned itself; without errors the result is nil. A text that
// another text repeats as its reason, after ": ", is said once.
func Join(all ...error) error {
	var some joined
	for _, err := range all {
		if err != nil {
			some = append(some, err)
		}
	}
	switch len(some) {
	case 0:
		return nil
	case 1:
		return some[0]
	}
	return some
}

type joined []error

func (j joined) Error() string {
	texts := make([]string, len(j))
	for i, err := range j {
		texts[i] = err.Error()
	}
	var said []string
	for i, text := range texts {
		repeats := func(other string) bool { return strings.HasSuffix(other, ": "+text) }
		if !slices.ContainsFunc(texts, repeats) && !slices.Contains(texts[:i], text) {
			said = append(said, text)
		}
	}
	return strings.Join(said, "; ")
}

func (j joined) Unwrap() []error { return j }
