package znode

import (
	"encoding/hex"
	"strings"

	"github.com/docent-go/docent/internal/base/chance"
)

const (
	protectedPrefix = "_c_"
	guidLen         = 36
)

// NewGUID returns a random UUID in its 36-character form, as Curator writes it
// into protected names.
func NewGUID() string {
	b := chance.Unique()
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var out [guidLen]byte
	hex.Encode(out[0:8], b[0:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:36], b[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

// Protected writes a protected name as Curator does: "_c_", the guid, "-" and
// the name proper. The guid lets the creator find the node again if the answer
// to the create is lost.
func Protected(guid, name string) string {
	return protectedPrefix + guid + "-" + name
}

// GUID reads the guid of a protected name. It reports false for any other name,
// even one that looks protected.
func GUID(name string) (string, bool) {
	rest, ok := strings.CutPrefix(name, protectedPrefix)
	if !ok || len(rest) < guidLen+1 || rest[guidLen] != '-' {
		return "", false
	}
	return rest[:guidLen], true
}

// WithGUID returns the children that are protected by guid.
func WithGUID(children []string, guid string) (names []string) {
	for _, child := range children {
		if g, ok := GUID(child); ok && g == guid {
			names = append(names, child)
		}
	}
	return names
}

// IsHex reports whether s is an even number of hexadecimal digits.
func IsHex(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil
}

// IsUUID reports whether s is a UUID in its form of 36 characters.
func IsUUID(s string) bool {
	if len(s) != guidLen {
		return false
	}
	for _, i := range []int{8, 13, 18, 23} {
		if s[i] != '-' {
			return false
		}
	}
	return IsHex(s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:])
}
