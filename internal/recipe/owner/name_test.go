package owner_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/recipe/owner"
)

func TestName(t *testing.T) {
	for name, shown := range map[string]string{
		"":                         "",
		"host-4711":                "host-4711",
		"a b (ä)":                  "a b (ä)",
		"a\nb":                     `"a\nb"`,
		"\u202ea":                  `"\u202ea"`,
		"\xff":                     `"\xff"`,
		strings.Repeat("ä", 300):   `"` + strings.Repeat("ä", 64) + `"…`,
		strings.Repeat("\xff", 90): `"` + strings.Repeat(`\xff`, 64) + `"…`,
	} {
		require.Equal(t, shown, owner.Name(name))
	}
}
