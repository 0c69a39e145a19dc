package inspect

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/docent-go/docent/internal/znode"
)

// owner is the data that Docent's recipes write into the nodes of a process.
type owner struct {
	ID    string      `json:"id"`
	Host  string      `json:"host"`
	PID   int         `json:"pid"`
	Place string      `json:"place"` // of a permit: the node at which its owner waits for it
	Visit string      `json:"visit"` // of a member of a double barrier
	Claim string      `json:"claim"` // of a queue's item
	Under []SessionID `json:"under"` // sessions that wait for this one's end
}

// ownerOf decodes the owner of a node. It returns false if the data is not
// Docent's.
func ownerOf(data []byte) (owner, bool) {
	var o owner
	err := json.Unmarshal(data, &o)
	return o, err == nil && o.Host != "" && o.PID != 0
}

// revokeMessage is the data that Docent's and Curator's Revoke write into a
// node.
const revokeMessage = "__REVOKE__"

// created returns the time at which the node was created. It is zero for the
// root, and for a node whose stat the server does not send.
func (n *node) created() time.Time {
	if n.stat.Ctime == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n.stat.Ctime)
}

// party describes the owner of the node.
func (n *node) party() Party {
	p := Party{
		Path:    n.path,
		Session: SessionID(n.stat.EphemeralOwner),
		Since:   n.created(),
		Token:   n.stat.Czxid,
		Layout:  layoutOf(n.name),
		Hidden:  n.hidden == hiddenData || n.unknown(),
		Revoked: string(n.data) == revokeMessage,
	}
	if p.Revoked {
		return p
	}
	o, ok := ownerOf(n.data)
	if ok {
		p.ID, p.Host, p.PID, p.Under, p.Layout = o.ID, o.Host, o.PID, o.Under, Docent
	} else {
		p.ID = text(n.data)
	}
	return p
}

// maxText is the maximum length of data that is used as a name.
const maxText = 256

// text returns the data if it can be shown as a name.
func text(data []byte) string {
	if len(data) > maxText || !utf8.Valid(data) || strings.ContainsFunc(string(data), func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	return string(data)
}

// Lengths of unique ids in names.
const (
	uuidLen = 36
	hexLen  = 32
)

// layoutOf returns the layout of a protected name, or "".
func layoutOf(name string) Layout {
	if guid, ok := znode.GUID(name); ok && isUUID(guid) {
		return Curator
	}
	if rest, ok := strings.CutPrefix(name, "_c_"); ok && len(rest) > hexLen && isHex(rest[:hexLen]) && rest[hexLen] == '-' {
		return GoZooKeeper
	}
	if len(name) >= hexLen && isHex(name[:hexLen]) {
		return Kazoo
	}
	return ""
}

func isHex(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil
}

// isUUID reports whether s is a UUID in its form of 36 characters.
func isUUID(s string) bool {
	if len(s) != uuidLen {
		return false
	}
	for _, i := range []int{8, 13, 18, 23} {
		if s[i] != '-' {
			return false
		}
	}
	return isHex(strings.ReplaceAll(s, "-", "")) && strings.Count(s, "-") == 4
}

// layoutsOf returns the layouts of parties, sorted, each once.
func layoutsOf(parties ...[]Party) []Layout {
	var all []Layout
	for _, some := range parties {
		for _, p := range some {
			if p.Layout != "" {
				all = append(all, p.Layout)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
