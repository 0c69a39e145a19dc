package naming

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

const classKey = "@class"

// MarshalPayload makes a payload for Curator's JSON from a Go value, with the
// class that a Java reader uses for it. A value that is an object in JSON gets
// the class as its first field, "@class". Any other value is wrapped as Jackson
// wraps lists and longs: ["java.util.ArrayList",["a","b"]],
// ["java.lang.Long",7]. With an empty class the value is written bare, as
// Jackson expects strings, booleans, doubles, integers of 32 bits and null.
func MarshalPayload(class string, v any) (json.RawMessage, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("a %T cannot be a payload: %w", v, err)
	}
	raw := bytes.TrimSpace(buf.Bytes())
	switch {
	case class == "" || isNull(raw):
		return raw, nil
	case raw[0] != '{':
		out := appendString([]byte{'['}, class)
		out = append(append(out, ','), raw...)
		return append(out, ']'), nil
	}
	all, err := members(nil, string(raw))
	if err != nil {
		return nil, fmt.Errorf("a %T cannot be a payload: %w", v, err)
	}
	out := appendStringField([]byte{'{'}, classKey, class)
	for _, m := range all {
		if m.key != classKey {
			out = append(appendKey(out, m.key), m.raw...)
		}
	}
	return append(out, '}'), nil
}

// UnmarshalPayload reads a payload of any of Jackson's shapes into a Go value,
// as json.Unmarshal does, and ignores the Java class. A field "@class" is read
// only if v has a field for it. The error quotes nothing of the payload.
func UnmarshalPayload(payload json.RawMessage, v any) error {
	_, value := unwrap(payload)
	if len(value) == 0 {
		value = json.RawMessage("null")
	}
	if err := json.Unmarshal(value, v); err != nil {
		return fmt.Errorf("the payload does not fit a %T", v)
	}
	return nil
}

// PayloadClass returns the Java class that a payload names, or "". The key is
// "@class" exactly, as for Jackson.
func PayloadClass(payload json.RawMessage) string {
	class, value := unwrap(payload)
	if class != "" || len(value) == 0 || value[0] != '{' {
		return class
	}
	var few [fewMembers]member
	all, ok := splitText(few[:0], string(value))
	if !ok {
		return ""
	}
	for _, m := range all {
		if m.key == classKey && m.raw[0] == '"' {
			return unquote(m.raw)
		}
	}
	return ""
}

// unwrap splits ["class",value]. Any other payload is the value itself.
func unwrap(payload json.RawMessage) (class string, value json.RawMessage) {
	payload = bytes.TrimSpace(payload)
	if len(payload) == 0 || payload[0] != '[' {
		return "", payload
	}
	var pair []json.RawMessage
	if json.Unmarshal(payload, &pair) != nil || len(pair) != 2 || json.Unmarshal(pair[0], &class) != nil {
		return "", payload
	}
	// Jackson wraps every list, so a bare pair is from another library. A class
	// has a package, or is an array's ("[I", "[Ljava.lang.String;").
	if !strings.HasPrefix(class, "[") && !strings.Contains(class, ".") || strings.ContainsAny(class, " /") {
		return "", payload
	}
	return class, pair[1]
}
