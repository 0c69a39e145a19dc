package znode_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/znode"
)

func TestNewGUID(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := make(map[string]bool)
	for range 1000 {
		guid := znode.NewGUID()
		require.Regexp(t, form, guid)
		require.False(t, seen[guid], "twice: %s", guid)
		seen[guid] = true
	}
}

func TestProtected(t *testing.T) {
	guid := znode.NewGUID()
	name := znode.Protected(guid, "lock-") + "0000000007"
	require.Equal(t, "_c_"+guid+"-lock-0000000007", name)
	got, ok := znode.GUID(name)
	require.True(t, ok)
	require.Equal(t, guid, got)
	seq, ok := znode.ParseSeq(name, "lock-")
	require.True(t, ok)
	require.Equal(t, znode.Seq(7), seq)
}

// Names that look protected and are not. The client's own helper panics on some
// of them.
func TestGUIDOfStrangers(t *testing.T) {
	guid := znode.NewGUID()
	for _, name := range []string{
		"", "_", "_c", "_c_", "_c_x", "_c_" + guid[:35], "_c_" + guid, "_c_" + guid + "x", "_C_" + guid + "-lock-",
		"x_c_" + guid + "-lock-", guid + "-lock-", "_c_" + strings.Repeat("-", 36), "lock-0000000001",
	} {
		_, ok := znode.GUID(name)
		require.False(t, ok, "%q", name)
	}
}

func TestWithGUID(t *testing.T) {
	guid, other := znode.NewGUID(), znode.NewGUID()
	mine := znode.Protected(guid, "lock-0000000003")
	strangers := []string{"_c_x", "_c_", "", guid, "x-" + mine, znode.Protected(other, guid+"-lock-0000000001")}
	require.Empty(t, znode.WithGUID(strangers, guid))
	require.Equal(t, []string{mine}, znode.WithGUID(append(strangers, mine), guid))
	decoy := znode.Protected(guid, "lock-0000000000")
	require.Equal(t, []string{decoy, mine}, znode.WithGUID(append(strangers, decoy, mine), guid))
}

func FuzzGUID(f *testing.F) {
	for _, name := range []string{"", "_c_x", "_c_" + strings.Repeat("a", 36) + "-", znode.Protected(znode.NewGUID(), "lock-0000000001")} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		guid, ok := znode.GUID(name)
		if !ok {
			if guid != "" {
				t.Fatalf("%q: %q comes with false", name, guid)
			}
			return
		}
		rest, found := strings.CutPrefix(name, znode.Protected(guid, ""))
		if !found || znode.Protected(guid, rest) != name || len(guid) != 36 {
			t.Fatalf("%q does not consist of %q and a rest", name, guid)
		}
		if got := znode.WithGUID([]string{"_c_", name}, guid); len(got) != 1 || got[0] != name {
			t.Fatalf("%q is not found by its own guid", name)
		}
	})
}
