package wire

import (
	"fmt"
	"unicode/utf8"
)

// The names and the paths of znodes. The rules are those of the server's
// PathUtils, which a server applies before it creates a znode. So a server has
// no other names, and an answer or an event with one is malformed. Names become
// parts of paths, of logs and of listings: a name like ".." must not get there.
// internal/base/znode has the same rules with a reason for each; neither package
// may import the other, and a test of internal/core compares them.

// ValidPath reports whether a server can have a znode at the path.
func ValidPath(path string) bool { return validPath([]byte(path)) }

// ValidName reports whether a server can have a znode with the name.
func ValidName(name string) bool { return validName([]byte(name)) }

func validPath(path []byte) bool {
	if len(path) == 0 || path[0] != '/' {
		return false
	}
	if len(path) == 1 {
		return true
	}
	from := 1
	for i := 1; i < len(path); i++ {
		if path[i] == '/' {
			if !validName(path[from:i]) {
				return false
			}
			from = i + 1
		}
	}
	return validName(path[from:])
}

func validName(name []byte) bool {
	switch {
	case len(name) == 0, name[0] == '.' && (len(name) == 1 || len(name) == 2 && name[1] == '.'):
		return false
	}
	for i := 0; i < len(name); {
		if c := name[i]; c < utf8.RuneSelf {
			if c <= 0x1f || c == 0x7f || c == '/' {
				return false
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(name[i:])
		if size == 1 || outsideOfNames(r) { // a size of one: it is not UTF-8
			return false
		}
		i += size
	}
	return true
}

// outsideOfNames reports whether PathUtils rejects a character beyond ASCII. It
// looks at units of UTF-16, so it rejects every character beyond the basic
// plane for its surrogates.
func outsideOfNames(r rune) bool {
	return r <= 0x9f || r >= 0xd800 && r <= 0xf8ff || r >= 0xfff0
}

// name reads the name of a znode.
func (d *Decoder) name() string {
	b := d.View()
	if d.err == nil && !validName(b) {
		d.err = fmt.Errorf("the name %s, which no znode can have: %w", shown(b), ErrMalformed)
	}
	if d.err != nil {
		return ""
	}
	return string(b)
}

// path reads the path of a znode. A skimming Decoder checks it and returns "".
func (d *Decoder) path() string {
	b := d.View()
	if d.err == nil && !validPath(b) {
		d.err = fmt.Errorf("the path %s, which no znode can have: %w", shown(b), ErrMalformed)
	}
	if d.err != nil || d.skims {
		return ""
	}
	return string(b)
}

// shown quotes the beginning of a text for an error.
func shown(text []byte) string {
	const most = 100
	if len(text) <= most {
		return fmt.Sprintf("%q", text)
	}
	return fmt.Sprintf("%q... of %d bytes", text[:most], len(text))
}

// names reads a vector of names. A skimming Decoder finds its end and returns
// nil.
func (d *Decoder) names() []string { return d.texts(false) }

// paths reads a vector of paths, as names does.
func (d *Decoder) paths() []string { return d.texts(true) }

// texts reads a vector of names or of paths, which are not empty.
func (d *Decoder) texts(paths bool) []string {
	n := d.Count(4 + 1)
	if d.skims {
		for i := 0; i < n && d.err == nil; i++ {
			d.View()
		}
		return nil
	}
	out := make([]string, 0, n)
	for i := 0; i < n && d.err == nil; i++ {
		if paths {
			out = append(out, d.path())
		} else {
			out = append(out, d.name())
		}
	}
	return out
}
