package ui

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
)

// redacted stands in the place of what the page does not show.
const redacted = "(redacted)"

// DefaultRedact is the default of Config.Redact. It matches words of names that
// are written as a_b, a-b, a.b, aB or ab. A lower-case letter after the word
// makes another word, such as "tokenizer" or "secretary". The word "key"
// matches after a word such as "api", and at the end of the name of a file with a
// private key.
const DefaultRedact = `(?i:passw|passphrase|credential)|(?i:secret)(?:[^a]|$)|` +
	`(?i:token|pwd|(?:private|secret|api|access|signing|encryption|master|shared|ssh|hmac|aes|rsa|jwt|tls|ssl)[ ._-]?key)s?(?:[^a-z]|$)|` +
	`(?i:[.]key|key[.](?:pem|der))$`

// redactor hides the parts of a value that a pattern names. The parts never
// leave the process. It hides too much rather than too little.
type redactor struct{ names *regexp.Regexp }

// value returns the text of the value at a path, and whether something in it is
// hidden. The value of a path that the pattern names is hidden as a whole.
func (r redactor) value(path, text string) (shown string, hidden bool) {
	switch {
	case text == "":
		return "", false
	case r.names.MatchString(path):
		return redacted, true
	}
	if shown, hidden, ok := r.object(text); ok {
		return shown, hidden
	}
	return r.lines(text)
}

// object redacts JSON: the values whose keys the pattern names. Other text is
// not ok.
func (r redactor) object(text string) (shown string, hidden, ok bool) {
	if trimmed := strings.TrimSpace(text); trimmed == "" || trimmed[0] != '{' && trimmed[0] != '[' {
		return "", false, false
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	w := &jsonWriter{redactor: r, in: d}
	if w.value("") != nil {
		return "", false, false
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return "", false, false
	}
	return w.out.String(), w.hidden, true
}

// maxDepth is the maximum depth of JSON that is shown as JSON.
const maxDepth = 100

var errDeep = errors.New("the value is nested too deeply")

// jsonWriter writes JSON again, indented, in the order of its keys.
type jsonWriter struct {
	redactor
	in     *json.Decoder
	out    strings.Builder
	hidden bool
	depth  int
}

// value copies the next value.
func (w *jsonWriter) value(indent string) error {
	token, err := w.in.Token()
	if err != nil {
		return err
	}
	switch token := token.(type) {
	case json.Delim:
		if w.depth++; w.depth > maxDepth {
			return errDeep
		}
		defer func() { w.depth-- }()
		return w.members(token, indent)
	case string:
		shown, hidden := w.lines(token)
		w.hidden = w.hidden || hidden
		return w.scalar(shown)
	default:
		return w.scalar(token)
	}
}

// members copies the rest of an object or of an array.
func (w *jsonWriter) members(open json.Delim, indent string) error {
	w.out.WriteString(open.String())
	deeper := indent + "  "
	n := 0
	for ; w.in.More(); n++ {
		if n > 0 {
			w.out.WriteByte(',')
		}
		w.out.WriteString("\n" + deeper)
		if open == '[' {
			if err := w.value(deeper); err != nil {
				return err
			}
			continue
		}
		token, err := w.in.Token()
		if err != nil {
			return err
		}
		key, isString := token.(string)
		if !isString {
			return errors.New("a key is not a string")
		}
		if err := w.scalar(key); err != nil {
			return err
		}
		w.out.WriteString(": ")
		if !w.names.MatchString(key) {
			err = w.value(deeper)
		} else if err = w.skip(); err == nil {
			w.hidden = true
			err = w.scalar(redacted)
		}
		if err != nil {
			return err
		}
	}
	token, err := w.in.Token()
	if err != nil {
		return err
	}
	if n > 0 {
		w.out.WriteString("\n" + indent)
	}
	w.out.WriteString(token.(json.Delim).String())
	return nil
}

// skip reads the next value.
func (w *jsonWriter) skip() error {
	var value json.RawMessage
	return w.in.Decode(&value)
}

func (w *jsonWriter) scalar(value any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return err
	}
	w.out.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	return nil
}

var (
	// userinfo is the password in a URL.
	userinfo = regexp.MustCompile(`(://[^/\s:@]*:)[^/\s@]+@`)
	// armour begins and ends a key of several lines, as PEM has it.
	armour, armourEnd = regexp.MustCompile(`-----BEGIN [^-]*-----`), regexp.MustCompile(`-----END [^-]*-----`)
)

// lines redacts text: of each line that the pattern names, what follows the
// next = or :, or all of it. What is indented below such a line belongs to it.
func (r redactor) lines(text string) (shown string, hidden bool) {
	var b strings.Builder
	inArmour, below := false, -1 // the indentation of the redacted line before
	for line := range strings.Lines(text) {
		body := strings.TrimRight(line, "\r\n")
		end := line[len(body):]
		depth := len(body) - len(strings.TrimLeft(body, " \t"))
		named := r.names.FindStringIndex(body)
		switch {
		case inArmour || armour.MatchString(body):
			inArmour = !armourEnd.MatchString(body)
			body, hidden = redacted, true
		case below >= 0 && depth > below && strings.TrimSpace(body) != "":
			body, hidden = body[:depth]+redacted, true
		case named != nil:
			below, hidden = depth, true
			if at := strings.IndexAny(body[named[0]:], "=:"); at >= 0 {
				body = body[:named[0]+at+1] + " " + redacted
			} else {
				body = redacted
			}
		default:
			if below >= 0 && strings.TrimSpace(body) != "" {
				below = -1
			}
			if userinfo.MatchString(body) {
				body, hidden = userinfo.ReplaceAllString(body, "${1}"+redacted+"@"), true
			}
		}
		b.WriteString(body + end)
	}
	return b.String(), hidden
}
