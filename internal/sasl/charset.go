package sasl

// latin1 converts UTF-8 to ISO 8859-1. It reports false if s has other characters,
// or is not UTF-8: a range over such a string finds U+FFFD.
func latin1(s string) (string, bool) {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			return "", false
		}
		b = append(b, byte(r))
	}
	return string(b), true
}

// hashed is the form of a name or a password that is hashed: ISO 8859-1 if that
// has all its characters, UTF-8 otherwise.
func hashed(s string) string {
	if l, ok := latin1(s); ok {
		return l
	}
	return s
}
