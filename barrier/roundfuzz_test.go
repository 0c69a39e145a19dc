package barrier

import (
	"slices"
	"testing"

	"github.com/docent-go/docent/internal/core"
)

// Whatever the znode of a round holds, it is a round, and its members are
// sorted: a search among them must find them.
func FuzzRound(f *testing.F) {
	for _, data := range []string{"", `{"round":1,"members":["b","a","a"]}`, `{"members":null}`, `{"round":1e99,"members":["\ud800"]}`, "[[[["} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := readRound(data, core.Stat{Czxid: 7})
		if !slices.IsSorted(r.members) || r.zxid != 7 {
			t.Fatalf("%+v", r)
		}
		for _, name := range r.members {
			if !r.named(name) {
				t.Fatalf("%q of %q is not found", name, r.members)
			}
		}
	})
}
