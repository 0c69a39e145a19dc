package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/docent-go/docent/internal/jsonmerge"
	"github.com/docent-go/docent/internal/misuse"
)

// JSONOption changes how JSON decodes.
type JSONOption func(*jsonRules)

type jsonRules struct{ strict bool }

// Strict refuses objects with fields that the Go type does not have, which
// catches misspelt ones.
func Strict() JSONOption { return func(r *jsonRules) { r.strict = true } }

// JSON is the codec of a value in JSON, by encoding/json. It refuses an empty
// value, anything after the value, and a bare null for a type that has no nil:
// encoding/json would take that for "leave everything zero". Its errors do not
// quote the value, except for the name of an unknown field and for what an
// UnmarshalJSON of the type itself says.
//
// Update writes the differences alone: fields that T does not have, the digits
// of numbers, the order of keys and white space of everything else stay as they
// are, in nested objects too. In an array, elements that are equal before and after the
// change belong together, and those that differ if as many lie
// between two equal ones before and after. Every other element is new: what T does not
// have of a removed element goes with it. A field that Encode leaves out or
// makes null goes with everything in it.
func JSON[T any](opts ...JSONOption) Codec[T] {
	var rules jsonRules
	misuse.Apply("config.JSON", &rules, opts)
	nilable := false
	switch reflect.TypeFor[T]().Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface:
		nilable = true
	}
	return Codec[T]{
		Decode: func(data []byte) (value T, err error) {
			trimmed := bytes.Trim(data, " \t\r\n")
			switch {
			case len(trimmed) == 0:
				return value, errors.New("it is empty, which is no JSON")
			case !nilable && string(trimmed) == "null":
				return value, fmt.Errorf("it is null, which is no %T", value)
			}
			var decoded T
			if err := rules.decode(data, &decoded); err != nil {
				return value, discreet(err)
			}
			return decoded, nil
		},
		Encode: func(value T) ([]byte, error) { return json.Marshal(value) },
		Merge:  jsonmerge.Merge,
	}
}

func (r jsonRules) decode(data []byte, to any) error {
	if !r.strict {
		return json.Unmarshal(data, to)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(to); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON value")
	}
	return nil
}

// discreetError words an error without what it quotes of the value.
type discreetError struct {
	text string
	err  error
}

func (e *discreetError) Error() string { return e.text }
func (e *discreetError) Unwrap() error { return e.err }

func discreet(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return &discreetError{fmt.Sprintf("it is no JSON, from byte %d on", syntax.Offset), err}
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		what, _, _ := strings.Cut(kind.Value, " ") // "number 17" quotes
		field := ""
		if kind.Field != "" {
			field = " in field " + kind.Field
		}
		return &discreetError{fmt.Sprintf("a JSON %s%s does not fit the Go type %s", what, field, kind.Type), err}
	}
	return err
}
