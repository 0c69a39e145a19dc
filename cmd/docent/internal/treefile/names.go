package treefile

import (
	"fmt"
	"strconv"
	"strings"
)

// ownValue is the file of a key that has keys below it. No escaped name is
// equal: va are not hexadecimal digits.
const ownValue = "%value"

// maxName is the length of the longest name of a file, in bytes. Most file
// systems have 255; a temporary file beside it has a name that is longer by 21.
const maxName = 234

// escape returns the name of the file or the directory for one name of a key.
func escape(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		plain := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.+@,", c) >= 0
		if !plain || i == 0 && (c == '.' || c == '-') {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// unescape is the inverse of escape. It also accepts names that escape would
// escape, such as names with letters of other alphabets.
func unescape(file string) (string, error) {
	var b strings.Builder
	for rest := file; rest != ""; {
		before, after, found := strings.Cut(rest, "%")
		b.WriteString(before)
		if !found {
			break
		}
		if len(after) < 2 {
			return "", badEscape(file)
		}
		c, err := strconv.ParseUint(after[:2], 16, 8)
		if err != nil {
			return "", badEscape(file)
		}
		b.WriteByte(byte(c))
		rest = after[2:]
	}
	if name := b.String(); !strings.Contains(name, "/") {
		return name, nil
	}
	return "", fmt.Errorf("the file name %q stands for a name with a slash, which no znode has; rename the file", file)
}

func badEscape(file string) error {
	if file == ownValue {
		return fmt.Errorf("the file %s has the value of its directory's key, and the top directory has no key: the path itself is not one; remove the file", ownValue)
	}
	return fmt.Errorf("the file name %q has a %% that two hexadecimal digits do not follow; write a %% itself as %%25", file)
}

// fileOf returns the path of a key's file in the directory, with slashes. inner
// says that there are keys below the key.
func fileOf(key string, inner bool) (string, error) {
	names := strings.Split(key, "/")
	for i, name := range names {
		if names[i] = escape(name); names[i] == "" {
			return "", fmt.Errorf("the key %q has an empty name", key)
		}
		if len(names[i]) > maxName {
			return "", fmt.Errorf("the key %q has a name of %d bytes as a file, and a file's name has at most %d", key, len(names[i]), maxName)
		}
	}
	if inner {
		names = append(names, ownValue)
	}
	return strings.Join(names, "/"), nil
}

// keyOf is the inverse of fileOf.
func keyOf(file string) (string, error) {
	names := strings.Split(file, "/")
	if n := len(names) - 1; n > 0 && names[n] == ownValue {
		names = names[:n]
	}
	for i, name := range names {
		plain, err := unescape(name)
		if err != nil {
			return "", err
		}
		names[i] = plain
	}
	return strings.Join(names, "/"), nil
}
