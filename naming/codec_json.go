package naming

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// member is one field of a JSON object, in the object's order. Both texts are
// parts of the object's text.
type member struct{ key, raw string }

// fewMembers is the maximum number of fields that need no memory of their own.
const fewMembers = 16

// members splits a JSON object, and appends its fields to all, which is empty.
// Unlike encoding/json with a struct, it compares keys exactly. If a key occurs
// twice, the last value counts, as in Jackson.
func members(all []member, text string) ([]member, error) {
	if all, ok := splitText(all, text); ok {
		return all, nil
	}
	text = strings.TrimPrefix(text, byteOrderMark)
	if err := checkJSON([]byte(text)); err != nil {
		return nil, err
	}
	return nil, errors.New("it is JSON, but not an object")
}

var errNoJSON = errors.New("it is not JSON")

// checkJSON says at which byte data stop being JSON, without quoting them.
func checkJSON(data []byte) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return errors.New("it is empty")
	}
	if !utf8.Valid(data) {
		return errors.New("it is not valid UTF-8")
	}
	if json.Valid(data) {
		return nil
	}
	var any json.RawMessage
	var syntax *json.SyntaxError
	if err := json.Unmarshal(data, &any); errors.As(err, &syntax) {
		return fmt.Errorf("it is not JSON, from byte %d on", syntax.Offset)
	}
	return errNoJSON
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

func (m member) unfit(kind string) error {
	return fmt.Errorf("its field %q does not hold %s", m.key, kind)
}

// appendString writes a JSON string with the bytes that Jackson writes: it
// escapes only what it must, and characters above U+FFFF. Hexadecimal digits
// are capitals.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= 0xf0: // the first of four bytes
			r, size := utf8.DecodeRuneInString(s[i:])
			high, low := utf16.EncodeRune(r)
			b = fmt.Appendf(b, `\u%04X\u%04X`, high, low)
			i += size - 1
		case c >= 0x20:
			b = append(b, c)
		case c == '\b':
			b = append(b, '\\', 'b')
		case c == '\t':
			b = append(b, '\\', 't')
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\f':
			b = append(b, '\\', 'f')
		case c == '\r':
			b = append(b, '\\', 'r')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(b, '"')
}

// appendKey writes a comma if one is needed, and the key.
func appendKey(b []byte, key string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(appendString(b, key), ':')
}

func appendStringField(b []byte, key, value string) []byte {
	return appendString(appendKey(b, key), value)
}

// pair is a field that holds a string.
type pair struct{ key, value string }

// appendPairs writes pairs of strings as fields, in the order of the keys,
// which must differ.
func appendPairs(b []byte, pairs map[string]string, more ...pair) []byte {
	var few [fewMembers]pair
	all := append(few[:0], more...)
	for key, value := range pairs {
		all = append(all, pair{key, value})
	}
	slices.SortFunc(all, func(a, b pair) int { return strings.Compare(a.key, b.key) })
	for _, p := range all {
		b = appendStringField(b, p.key, p.value)
	}
	return b
}

func appendMembers(b []byte, all []member) []byte {
	for _, m := range all {
		b = append(appendKey(b, m.key), m.raw...)
	}
	return b
}

// allStrings reports whether all fields hold strings and all keys are not
// empty.
func allStrings(all []member) bool {
	for _, m := range all {
		if m.key == "" || m.raw[0] != '"' {
			return false
		}
	}
	return true
}
