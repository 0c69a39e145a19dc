package barrier

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"strings"

	"github.com/docent-go/docent/internal/znode"
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

// owner is the data of this package's nodes. Other libraries ignore it.
type owner struct {
	ID   string `json:"id,omitempty"`
	Host string `json:"host"`
	PID  int    `json:"pid"`
	// Visit is unique for each Enter, which recognises its own node by it.
	Visit string `json:"visit,omitempty"`
}

func newOwner(id string) owner {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown-host" // it is only shown to people
	}
	return owner{ID: id, Host: host, PID: os.Getpid()}
}

func (o owner) encode() ([]byte, error) { return json.Marshal(o) }

// readOwner decodes the owner of a node. It returns the zero owner for a node
// of another library.
func readOwner(data []byte) owner {
	var o owner
	if err := json.Unmarshal(data, &o); err != nil {
		return owner{}
	}
	return o
}

// newVisit returns a unique name for an Enter.
func newVisit() string { return znode.NewGUID() }
