package barrier

import (
	"encoding/hex"
	"slices"
	"strings"
)

const (
	readyName    = "ready"   // Curator's and kazoo's
	memberPrefix = "member-" // before the id of the option ID
)

// isMember reports whether a child of the directory has the name of a member:
// the prefix "member-", a UUID (Docent and Curator), or 32 hexadecimal digits
// (kazoo).
func isMember(name string) bool {
	if strings.HasPrefix(name, memberPrefix) {
		return true
	}
	switch len(name) {
	case 36:
		for _, i := range []int{8, 13, 18, 23} {
			if name[i] != '-' {
				return false
			}
		}
		return isHex(name[:8] + name[9:13] + name[14:18] + name[19:23] + name[24:])
	case 32:
		return isHex(name)
	}
	return false
}

func isHex(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil
}

// members returns the members among the children of the directory, sorted.
func members(children []string) []string {
	var names []string
	for _, name := range children {
		if isMember(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
