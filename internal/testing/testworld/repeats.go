package testworld

import (
	"regexp"
	"strings"
)

// Repeats returns what a message says twice: three words in a row, or a path, an
// address or the id of a session. Words that punctuation parts are not in a row.
// What a message quotes is data, and may be anything. The result is empty if the
// message says nothing twice.
func Repeats(message string) string {
	said := make(map[string]bool)
	var row []string // of the present clause
	for _, word := range strings.Fields(message) {
		bare := strings.Trim(word, "(),:;.")
		if isName.MatchString(bare) {
			if said[bare] {
				return bare
			}
			said[bare] = true
		}
		if strings.HasPrefix(word, "(") {
			row = nil
		}
		row = append(row, bare)
		if len(row) >= 3 {
			three := strings.Join(row[len(row)-3:], " ")
			if said[three] {
				return three
			}
			said[three] = true
		}
		if strings.ContainsAny(word[len(word)-1:], `),:;.`) {
			row = nil
		}
	}
	return ""
}

// isName matches what names one thing: a path, an address, the id of a session
// or a transaction.
var isName = regexp.MustCompile(`^(/.+|[^"]+[/:].+|0x[0-9a-f]+)$`)
