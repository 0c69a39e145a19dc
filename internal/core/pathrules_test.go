package core_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/wire"
)

// What is checked before a request and what is checked in an answer are one rule:
// a name that passes one check passes the other.
func TestPathRulesAgree(t *testing.T) {
	same := func(t require.TestingT, name string) {
		if h, is := t.(interface{ Helper() }); is {
			h.Helper()
		}
		if (znode.ValidateName(name) == nil) != wire.ValidName(name) {
			require.Fail(t, "the rules differ", "name %q: %v and %v", name, znode.ValidateName(name), wire.ValidName(name))
		}
	}
	for r := range rune(0x10400) { // also the surrogates, which are written as U+FFFD, and some beyond the basic plane
		same(t, string(r))
	}
	for b := range 256 { // also bytes that are not UTF-8
		same(t, "a"+string([]byte{byte(b)})+"b")
	}
	pieces := []string{"", "/", "//", ".", "..", "...", "a", "zookeeper", "\x00", "\x1f", " ", "\x7f", "\u009f", "\u00a0", "\ud7ff", "\ue000",
		"\uf900", "\uffef", "\ufff0", "\ufffd", "\U0001f600", "\xff", "\xc3", "\xc3\xa9", "\xed\xa0\x80", "\xf0\x9f"}
	rapid.Check(t, func(t *rapid.T) {
		path := strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(pieces), rapid.String()), 0, 6).Draw(t, "pieces"), "")
		for _, path := range []string{path, "/" + path} {
			same(t, path)
			if (znode.ValidateRoot(path) == nil) != wire.ValidPath(path) {
				t.Fatalf("path %q: %v and %v", path, znode.ValidateRoot(path), wire.ValidPath(path))
			}
		}
	})
}
