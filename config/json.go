package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/docent-go/docent/internal/base/jsonmerge"
	"github.com/docent-go/docent/internal/base/misuse"
)

// JSONOption changes how JSON decodes.
type JSONOption func(*jsonRules)

type jsonRules struct{ strict bool }

// Strict rejects objects with fields that the Go type does not have. It finds
// misspelt fields, but not all: as in encoding/json, upper and lower case are
// the same in the name of a field, and of two fields with one name the last
// counts. A Validate finds values that are missing for that.
func Strict() JSONOption { return func(r *jsonRules) { r.strict = true } }

// JSON is the codec of a value in JSON, by encoding/json. It rejects an empty
// value, data after the value, and a bare null for a type that has no nil:
// encoding/json would leave such a value zero. Its errors do not quote the
// value, except for the name of an unknown field, and the text of the type's
// own UnmarshalJSON.
//
// Update writes the differences alone. Everything else stays as it is, in
// nested objects too: fields that T does not have, the digits of numbers, the
// order of keys, and white space. In an array, elements that are equal before
// and after the change are matched. Elements that differ are matched if the
// same number of them lies between two matched elements. Every other element is
// new or removed; a removed element takes its fields that T does not have with
// it. A field that Encode omits or makes null is removed with everything in it.
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
				return value, errors.New("the value is empty, which is not JSON")
			case !nilable && string(trimmed) == "null":
				return value, fmt.Errorf("the value is null, which is not a %T", value)
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
		return errors.New("there is data after the JSON value")
	}
	return nil
}

// discreetError is an error with a text that does not quote the value.
type discreetError struct {
	text string
	err  error
}

func (e *discreetError) Error() string { return e.text }
func (e *discreetError) Unwrap() error { return e.err }

func discreet(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return &discreetError{fmt.Sprintf("the value is not JSON, from byte %d on", syntax.Offset), err}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return &discreetError{"the value is not JSON: it ends too early", err}
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
