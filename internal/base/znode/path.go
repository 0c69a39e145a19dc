package znode

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// PathError says why a path is rejected, before any request is sent.
type PathError struct {
	Path   string
	Reason string
	Name   bool // Path is the name of a node, such as an id
}

func (e *PathError) Error() string {
	if e.Name {
		return fmt.Sprintf("invalid name %q: %s", e.Path, e.Reason)
	}
	return fmt.Sprintf("invalid path %q: %s", e.Path, e.Reason)
}

// Validate reports whether ZooKeeper accepts the path and a recipe may use it.
// It follows the server's PathUtils, and also rejects the reserved tree
// /zookeeper. The error is a *PathError. internal/wire has the rules of PathUtils
// too, without reasons: a test of internal/core compares the two.
func Validate(path string) error {
	if err := ValidateRoot(path); err != nil {
		return err
	}
	switch {
	case path == "/":
		return &PathError{Path: path, Reason: "it is the root: name a znode below it"}
	case path == "/zookeeper" || strings.HasPrefix(path, "/zookeeper/"):
		return &PathError{Path: path, Reason: "/zookeeper is reserved for the server's own znodes"}
	}
	return nil
}

// ValidateRoot is Validate for a path that may also be "/" or in the reserved
// tree, such as a chroot or the path of a listing.
func ValidateRoot(path string) error {
	fail := func(format string, args ...any) error {
		return &PathError{Path: path, Reason: fmt.Sprintf(format, args...)}
	}
	switch {
	case path == "":
		return fail("it is empty")
	case path[0] != '/':
		return fail("it is relative: a path starts with /")
	case path == "/":
		return nil
	case path[len(path)-1] == '/':
		return fail("it ends with /")
	}
	for segment := range strings.SplitSeq(path[1:], "/") {
		if reason := segmentReason(segment); reason != "" {
			return fail("%s", reason)
		}
	}
	return nil
}

// ValidateName reports whether name can be the last segment of a path, such as
// an id from a user. The error is a *PathError.
func ValidateName(name string) error {
	if name == "" {
		return &PathError{Path: name, Reason: "a name must not be empty", Name: true}
	}
	if strings.Contains(name, "/") {
		return &PathError{Path: name, Reason: "a name must not contain /", Name: true}
	}
	if reason := segmentReason(name); reason != "" {
		return &PathError{Path: name, Reason: reason, Name: true}
	}
	return nil
}

func segmentReason(segment string) string {
	switch segment {
	case "":
		return "it has an empty segment"
	case ".", "..":
		return fmt.Sprintf("it has the relative segment %q", segment)
	}
	for i, r := range segment {
		if r == utf8.RuneError {
			if _, width := utf8.DecodeRuneInString(segment[i:]); width == 1 {
				return "it is not valid UTF-8"
			}
		}
		if refused(r) {
			return fmt.Sprintf("it has the character %U, which ZooKeeper rejects", r)
		}
	}
	return ""
}

// refused reports whether the server's PathUtils rejects the character.
// PathUtils looks at units of UTF-16, so it rejects every character beyond the
// basic plane for its surrogates.
func refused(r rune) bool {
	return r <= 0x1f || r >= 0x7f && r <= 0x9f || r >= 0xd800 && r <= 0xf8ff || r >= 0xfff0
}

// Join puts name below dir.
func Join(dir, name string) string {
	if dir == "/" {
		return "/" + name
	}
	return dir + "/" + name
}

// Split cuts a path into its directory ("/" at the top) and its last segment.
func Split(path string) (dir, name string) {
	i := strings.LastIndexByte(path, '/')
	if i <= 0 {
		return "/", path[i+1:]
	}
	return path[:i], path[i+1:]
}
