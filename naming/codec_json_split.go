package naming

import (
	"encoding/json"
	"iter"
	"strings"
	"unicode/utf8"
)

// The functions of this file split JSON in one pass, which also checks it. They
// accept what encoding/json accepts. Their results share the memory of the
// text.

// byteOrderMark may precede a text in UTF-8.
const byteOrderMark = "\ufeff"

// splitText splits the object with which a text begins, and ignores what
// follows it, as Jackson does. It returns false for any other text.
func splitText(all []member, text string) ([]member, bool) {
	at := spaceEnd(text, len(text)-len(strings.TrimPrefix(text, byteOrderMark)))
	if !is(text, at, '{') {
		return nil, false
	}
	all, end := splitObject(all, text, at)
	return all, end > 0 && utf8.ValidString(text[:end])
}

// document returns the object that splitText splits, with the white space
// around it.
func document(text string) string {
	text = strings.TrimPrefix(text, byteOrderMark)
	return text[:spaceEnd(text, objectEnd(text, spaceEnd(text, 0), 1, nil))]
}

// split splits an object that is known to be valid.
func split(all []member, object string) []member {
	all, _ = splitObject(all, object, 0)
	return all
}

// splitObject appends the fields of the object that begins at a place to all,
// which is empty. It also returns the place after the object, or -1 if the
// object is not valid. If a key occurs twice, the last value counts, in the
// place of the first.
func splitObject(all []member, text string, at int) ([]member, int) {
	var places map[string]int // once there are many fields
	end := objectEnd(text, at, 1, func(key, raw string) {
		key = unquote(key)
		if len(all) == fewMembers && places == nil {
			places = make(map[string]int)
			for i, other := range all {
				places[other.key] = i
			}
		}
		if i, twice := indexOf(all, places, key); twice {
			all[i].raw = raw
			return
		}
		if places != nil {
			places[key] = len(all)
		}
		all = append(all, member{key, raw})
	})
	return all, end
}

// indexOf finds a key among the fields. It uses the map of places unless that
// is nil.
func indexOf(all []member, places map[string]int, key string) (at int, found bool) {
	if places != nil {
		at, found = places[key]
		return at, found
	}
	for i := range all {
		if all[i].key == key {
			return i, true
		}
	}
	return 0, false
}

// maxDepth is the maximum depth of objects and arrays in encoding/json.
const maxDepth = 10_000

// objectEnd returns the place after the object that begins at a place, or -1 if
// the object is not valid. It calls field, unless that is nil, for each field.
// depth is the depth of the object.
func objectEnd(text string, at, depth int, field func(key, raw string)) int {
	if depth > maxDepth {
		return -1
	}
	at = spaceEnd(text, at+1)
	if is(text, at, '}') {
		return at + 1
	}
	for {
		if !is(text, at, '"') {
			return -1
		}
		end := stringEnd(text, at)
		if end < 0 {
			return -1
		}
		key := text[at:end]
		if at = spaceEnd(text, end); !is(text, at, ':') {
			return -1
		}
		at = spaceEnd(text, at+1)
		if end = valueEnd(text, at, depth); end < 0 {
			return -1
		}
		if field != nil {
			field(key, text[at:end])
		}
		at = spaceEnd(text, end)
		switch {
		case is(text, at, '}'):
			return at + 1
		case !is(text, at, ','):
			return -1
		}
		at = spaceEnd(text, at+1)
	}
}

// listed yields the elements of an array that is known to be valid.
func listed(array string) iter.Seq[string] {
	return func(yield func(string) bool) {
		going := true
		arrayEnd(array, 0, 1, func(raw string) { going = going && yield(raw) })
	}
}

// arrayEnd is objectEnd for an array. It calls element, unless that is nil, for
// each element.
func arrayEnd(text string, at, depth int, element func(raw string)) int {
	if depth > maxDepth {
		return -1
	}
	at = spaceEnd(text, at+1)
	if is(text, at, ']') {
		return at + 1
	}
	for {
		end := valueEnd(text, at, depth)
		if end < 0 {
			return -1
		}
		if element != nil {
			element(text[at:end])
		}
		at = spaceEnd(text, end)
		switch {
		case is(text, at, ']'):
			return at + 1
		case !is(text, at, ','):
			return -1
		}
		at = spaceEnd(text, at+1)
	}
}

// valueEnd returns the place after the value that begins at a place, or -1 if
// the value is not valid. depth is the depth of the object or array around it.
func valueEnd(text string, at, depth int) int {
	if at == len(text) {
		return -1
	}
	switch text[at] {
	case '"':
		return stringEnd(text, at)
	case '{':
		return objectEnd(text, at, depth+1, nil)
	case '[':
		return arrayEnd(text, at, depth+1, nil)
	case 't':
		return wordEnd(text, at, "true")
	case 'f':
		return wordEnd(text, at, "false")
	case 'n':
		return wordEnd(text, at, "null")
	}
	return numberEnd(text, at)
}

func wordEnd(text string, at int, word string) int {
	if strings.HasPrefix(text[at:], word) {
		return at + len(word)
	}
	return -1
}

func numberEnd(text string, at int) int {
	if is(text, at, '-') {
		at++
	}
	end := digitsEnd(text, at)
	if end == at || text[at] == '0' && end > at+1 {
		return -1
	}
	if is(text, end, '.') {
		at, end = end+1, digitsEnd(text, end+1)
		if end == at {
			return -1
		}
	}
	if is(text, end, 'e') || is(text, end, 'E') {
		at = end + 1
		if is(text, at, '+') || is(text, at, '-') {
			at++
		}
		if end = digitsEnd(text, at); end == at {
			return -1
		}
	}
	return end
}

func digitsEnd(text string, at int) int {
	for at < len(text) && '0' <= text[at] && text[at] <= '9' {
		at++
	}
	return at
}

// stringEnd returns the place after the string that begins at a place, or -1 if
// the string is not valid.
func stringEnd(text string, at int) int {
	for at++; at < len(text); at++ {
		switch c := text[at]; {
		case c == '"':
			return at + 1
		case c < 0x20:
			return -1
		case c == '\\':
			at++
			switch {
			case at == len(text):
				return -1
			case text[at] == 'u':
				for range 4 {
					if at++; at == len(text) || !isHex(text[at]) {
						return -1
					}
				}
			case strings.IndexByte(`"\/bfnrt`, text[at]) < 0:
				return -1
			}
		}
	}
	return -1
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' }

// is reports whether the text has the character at the place.
func is(text string, at int, c byte) bool { return at < len(text) && text[at] == c }

// spaceEnd returns the place after any white space at a place.
func spaceEnd(text string, at int) int {
	for at < len(text) && (text[at] == ' ' || text[at] == '\n' || text[at] == '\t' || text[at] == '\r') {
		at++
	}
	return at
}

// unquote decodes a string, as encoding/json does.
func unquote(raw string) string {
	if strings.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	var text string
	_ = json.Unmarshal([]byte(raw), &text) // raw is known to be a string
	return text
}
