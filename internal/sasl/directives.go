package sasl

import (
	"fmt"
	"slices"
	"strings"
)

// maxChallenge is the maximum size of a challenge in RFC 2831.
const maxChallenge = 2047

// known are the directives of a server that the client understands. RFC 2831
// says to ignore the others.
var known = []string{"realm", "nonce", "qop", "stale", "maxbuf", "charset", "algorithm", "cipher", "rspauth"}

// directives are the known directives of a server's token, by lower-case name.
type directives map[string]string

// parse reads a list of name=value pairs; a value is a token or a quoted
// string. It rejects a known directive that occurs twice. Errors name
// directives and places, never values.
func parse(token []byte) (directives, error) {
	if len(token) > maxChallenge {
		return nil, fmt.Errorf("%w: it has %d bytes, and at most %d are allowed", ErrMalformed, len(token), maxChallenge)
	}
	found := make(directives)
	p := parser{rest: string(token)}
	for p.skip(" \t\r\n,"); p.rest != ""; p.skip(" \t\r\n,") {
		name := strings.ToLower(p.word())
		p.skip(space)
		if name == "" || !p.eat('=') {
			return nil, fmt.Errorf("%w: it has no directive at byte %d", ErrMalformed, len(token)-len(p.rest))
		}
		p.skip(space)
		value, ok := p.value()
		p.skip(space)
		if !ok || p.rest != "" && p.rest[0] != ',' {
			return nil, fmt.Errorf("%w: the value before byte %d is incomplete", ErrMalformed, len(token)-len(p.rest))
		}
		if !slices.Contains(known, name) {
			continue
		}
		if _, twice := found[name]; twice {
			return nil, fmt.Errorf("%w: %s occurs twice", ErrMalformed, name)
		}
		found[name] = value
	}
	return found, nil
}

const space = " \t\r\n"

// parser reads the front of a token.
type parser struct{ rest string }

// skip drops the given characters from the front.
func (p *parser) skip(chars string) { p.rest = strings.TrimLeft(p.rest, chars) }

// eat drops one character, if it is next.
func (p *parser) eat(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// word reads a token in the sense of RFC 2831, which may be empty.
func (p *parser) word() string {
	n := 0
	for n < len(p.rest) && isWord(p.rest[n]) {
		n++
	}
	w := p.rest[:n]
	p.rest = p.rest[n:]
	return w
}

func isWord(c byte) bool {
	return c > ' ' && c < 0x7f && !strings.ContainsRune(`()<>@,;:\"/[]?={}`, rune(c))
}

// value reads a word or a quoted string. It reports false if neither is next,
// or if the string does not end.
func (p *parser) value() (string, bool) {
	if !p.eat('"') {
		w := p.word()
		return w, w != ""
	}
	var b strings.Builder
	for i := 0; i < len(p.rest); i++ {
		switch c := p.rest[i]; c {
		case '"':
			p.rest = p.rest[i+1:]
			return b.String(), true
		case '\\':
			if i++; i == len(p.rest) {
				return "", false
			}
			b.WriteByte(p.rest[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}

var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// quote writes a quoted string.
func quote(s string) string { return `"` + escape.Replace(s) + `"` }
