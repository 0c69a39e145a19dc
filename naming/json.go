package naming

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// member is one field of a JSON object, in the order in which it stands there.
type member struct {
	key string
	raw json.RawMessage
}

// members takes a JSON object apart. Keys are compared exactly, other than
// encoding/json would for a struct; of a key that occurs twice the last counts,
// as for Jackson.
func members(data []byte) ([]member, error) {
	if err := checkJSON(data); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	open, err := dec.Token()
	if err != nil {
		return nil, errNoJSON
	}
	if open != json.Delim('{') {
		return nil, errors.New("it is JSON, but no object")
	}
	var all []member
	at := make(map[string]int)
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, errNoJSON
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, errNoJSON
		}
		name, _ := key.(string) // within an object the decoder gives no other key
		if i, twice := at[name]; twice {
			all[i].raw = raw
			continue
		}
		at[name] = len(all)
		all = append(all, member{name, raw})
	}
	return all, nil
}

var errNoJSON = errors.New("it is no JSON")

// checkJSON says where data ceases to be JSON, without quoting it.
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
		return fmt.Errorf("it is no JSON, from byte %d on", syntax.Offset)
	}
	return errNoJSON
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// field decodes one field into to, which stays as it is for a null.
func field(m member, to any) error {
	if isNull(m.raw) {
		return nil
	}
	if err := json.Unmarshal(m.raw, to); err != nil {
		return fmt.Errorf("its field %q does not hold a %T", m.key, to)
	}
	return nil
}

// appendString writes a JSON string with the bytes that Jackson writes:
// nothing is escaped that need not be, and hexadecimal digits are in capitals.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
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

// appendKey writes a comma where one is due, and the key.
func appendKey(b []byte, key string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(appendString(b, key), ':')
}

func appendStringField(b []byte, key, value string) []byte {
	return appendString(appendKey(b, key), value)
}

// appendPairs writes pairs of strings as fields, in the order of the keys.
func appendPairs(b []byte, pairs map[string]string) []byte {
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		b = appendStringField(b, key, pairs[key])
	}
	return b
}

func appendMembers(b []byte, all []member) []byte {
	for _, m := range all {
		b = append(appendKey(b, m.key), m.raw...)
	}
	return b
}

// pairs reads an object whose values are all strings; ok is false for any
// other.
func pairs(all []member) (result map[string]string, ok bool) {
	for _, m := range all {
		if m.key == "" || len(m.raw) == 0 || m.raw[0] != '"' {
			return nil, false
		}
		var value string
		if json.Unmarshal(m.raw, &value) != nil {
			return nil, false
		}
		if result == nil {
			result = make(map[string]string, len(all))
		}
		result[m.key] = value
	}
	return result, true
}

// parseWeight reads a weight as other libraries write it. What is none is left
// where it stands, so that an odd value loses no instance.
func parseWeight(s string) (weight int, ok bool) {
	weight, err := strconv.Atoi(s)
	return weight, err == nil && weight > 0 && weight <= MaxWeight && strconv.Itoa(weight) == s
}
