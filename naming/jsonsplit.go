package naming

import (
	"encoding/json"
	"strings"
)

// The functions here find their way in a text that is known to be valid JSON
// (checkJSON), so that they need not look for what is wrong with it. What they return
// shares the memory of the text.

// split appends the fields of an object to all, which is empty. The object begins the text,
// behind white space. Of a key that occurs twice the last value counts, in the place of
// the first.
func split(all []member, object string) []member {
	var places map[string]int // once there are many fields
	at := spaceEnd(object, 0) + 1
	for {
		at = spaceEnd(object, at)
		switch object[at] {
		case '}':
			return all
		case ',':
			at = spaceEnd(object, at+1)
		}
		end := stringEnd(object, at)
		key := unquote(object[at:end])
		at = spaceEnd(object, spaceEnd(object, end)+1) // behind the colon
		end = valueEnd(object, at)
		m := member{key, object[at:end]}
		at = end
		if len(all) == fewMembers && places == nil {
			places = make(map[string]int)
			for i, other := range all {
				places[other.key] = i
			}
		}
		if i, twice := indexOf(all, places, key); twice {
			all[i].raw = m.raw
			continue
		}
		if places != nil {
			places[key] = len(all)
		}
		all = append(all, m)
	}
}

// indexOf finds a key among the fields, with a map of their places if there is one.
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

// spaceEnd is where white space ends that begins at a place, or does not.
func spaceEnd(text string, at int) int {
	for text[at] == ' ' || text[at] == '\n' || text[at] == '\t' || text[at] == '\r' {
		at++
	}
	return at
}

// stringEnd is the place behind a string.
func stringEnd(text string, at int) int {
	for at++; text[at] != '"'; at++ {
		if text[at] == '\\' {
			at++
		}
	}
	return at + 1
}

// valueEnd is the place behind a value within an object or an array.
func valueEnd(text string, at int) int {
	switch text[at] {
	case '"':
		return stringEnd(text, at)
	case '{', '[':
	default:
		for !endsScalar(text[at]) {
			at++
		}
		return at
	}
	for depth := 0; ; {
		switch text[at] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return at + 1
			}
		case '"':
			at = stringEnd(text, at)
			continue
		}
		at++
	}
}

func endsScalar(c byte) bool {
	return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\n' || c == '\t' || c == '\r'
}

// unquote decodes a string, as encoding/json does.
func unquote(raw string) string {
	if strings.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	var text string
	_ = json.Unmarshal([]byte(raw), &text) // it is known to be a string
	return text
}
