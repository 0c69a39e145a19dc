package naming

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

const classKey = "@class"

// MarshalPayload makes a payload for Curator's JSON out of a Go value, with the
// Java class that a Java reader makes of it. A value that is an object in JSON
// gets the class as its first field, "@class"; anything else is wrapped as
// Jackson wraps lists and longs: ["java.util.ArrayList",["a","b"]],
// ["java.lang.Long",7]. An empty class writes the value bare, which Jackson
// takes for strings, booleans, doubles, integers of 32 bits and null.
func MarshalPayload(class string, v any) (json.RawMessage, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("naming: a %T cannot be a payload: %w", v, err)
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
	all, err := members(nil, raw)
	if err != nil {
		return nil, fmt.Errorf("naming: a %T cannot be a payload: %w", v, err)
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
// as json.Unmarshal does, and leaves the Java class out of account. A field
// "@class" reaches v only if v has a place for it. The error quotes nothing of
// the payload.
func UnmarshalPayload(payload json.RawMessage, v any) error {
	_, value := unwrap(payload)
	if len(value) == 0 {
		value = json.RawMessage("null")
	}
	if err := json.Unmarshal(value, v); err != nil {
		return fmt.Errorf("naming: the payload does not fit a %T", v)
	}
	return nil
}

// PayloadClass gives the Java class that a payload names, "" where it names none.
func PayloadClass(payload json.RawMessage) string {
	class, value := unwrap(payload)
	if class != "" || len(value) == 0 || value[0] != '{' {
		return class
	}
	var named struct {
		Class string `json:"@class"`
	}
	if json.Unmarshal(value, &named) != nil {
		return ""
	}
	return named.Class
}

// unwrap takes ["class",value] apart. What is no such pair is the value itself.
func unwrap(payload json.RawMessage) (class string, value json.RawMessage) {
	payload = bytes.TrimSpace(payload)
	if len(payload) == 0 || payload[0] != '[' {
		return "", payload
	}
	var pair []json.RawMessage
	if json.Unmarshal(payload, &pair) != nil || len(pair) != 2 || json.Unmarshal(pair[0], &class) != nil {
		return "", payload
	}
	// Jackson wraps every list, so a bare pair can only come from somebody
	// else; a class has a package, or is an array's ("[I", "[Ljava.lang.String;").
	if !strings.HasPrefix(class, "[") && !strings.Contains(class, ".") || strings.ContainsAny(class, " /") {
		return "", payload
	}
	return class, pair[1]
}
