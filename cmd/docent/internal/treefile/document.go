package treefile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// format is the format of the document. All versions of docent begin it with
// formatName.
const (
	formatName = "docent config "
	format     = formatName + "1"
)

// document is the JSON form of a Tree. Each key is on a line of its own, so that
// tools which compare lines show which keys differ.
type document struct {
	Format string     `json:"format"`
	Path   string     `json:"path"`
	Zxid   int64      `json:"zxid"`
	Keys   []keyValue `json:"keys"`
}

// keyValue is one key. Value is set if the bytes are UTF-8, and Base64
// otherwise.
type keyValue struct {
	Key    string  `json:"key"`
	Value  *string `json:"value,omitempty"`
	Base64 []byte  `json:"base64,omitempty"`
}

// Write writes the document.
func (t Tree) Write(w io.Writer) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "{\n  \"format\": %s,\n  \"path\": %s,\n  \"zxid\": %d,\n  \"keys\": [", quoted(format), quoted(t.Path), t.Zxid)
	for i, key := range t.Sorted() {
		if i > 0 {
			out.WriteByte(',')
		}
		if !utf8.ValidString(key) {
			return fmt.Errorf("the key %q is not UTF-8, which JSON cannot say; use a directory", key)
		}
		line := keyValue{Key: key}
		if value := t.Keys[key]; utf8.Valid(value) {
			text := string(value)
			line.Value = &text
		} else {
			line.Base64 = value
		}
		out.WriteString("\n    ")
		out.Write(quoted(line))
	}
	out.WriteString("\n  ]\n}\n")
	_, err := w.Write(out.Bytes())
	return err
}

// quoted returns a value as JSON that always has an encoding. Control
// characters are escaped, and so are no others.
func quoted(v any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err) // strings and bytes always have an encoding
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// Parse reads a document.
func Parse(data []byte) (Tree, error) {
	var doc document
	in := json.NewDecoder(bytes.NewReader(data))
	in.DisallowUnknownFields()
	if err := in.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		return Tree{}, fmt.Errorf("not an export of docent: %w; make one with \"docent config export\"", err)
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return Tree{}, errors.New("not an export of docent: something follows the JSON object")
	}
	if doc.Format != format {
		if strings.HasPrefix(doc.Format, formatName) {
			return Tree{}, fmt.Errorf("an export of another version of docent: its format is %q, and this docent reads %q; use a newer docent", doc.Format, format)
		}
		return Tree{}, fmt.Errorf("not an export of docent: its format is %q, not %q", doc.Format, format)
	}
	t := Tree{Path: doc.Path, Zxid: doc.Zxid, Keys: make(map[string][]byte, len(doc.Keys))}
	for _, line := range doc.Keys {
		_, twice := t.Keys[line.Key]
		switch {
		case twice:
			return Tree{}, fmt.Errorf("the key %q is there twice", line.Key)
		case (line.Value == nil) == (line.Base64 == nil):
			return Tree{}, fmt.Errorf("the key %q needs either a value or base64", line.Key)
		case line.Value != nil:
			t.Keys[line.Key] = []byte(*line.Value)
		default:
			t.Keys[line.Key] = line.Base64
		}
	}
	t.withoutDirectories()
	return t, nil
}
