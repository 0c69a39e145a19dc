package barrier

import (
	"slices"
	"strings"

	"github.com/docent-go/docent/internal/base/znode"
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
	return znode.IsUUID(name) || len(name) == 32 && znode.IsHex(name)
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
