package naming_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
)

// hostileJSON are values of about a megabyte that are costly for a decoder that
// reads again at each level, or compares each with each.
func hostileJSON() map[string]string {
	const deep = 9_990 // encoding/json reads 10,000 levels
	many := func(n int, item func(i int) string) string {
		items := make([]string, n)
		for i := range items {
			items[i] = item(i)
		}
		return strings.Join(items, ",")
	}
	return map[string]string{
		"deep objects":  strings.Repeat(`{"a":`, deep) + "1" + strings.Repeat("}", deep),
		"deep arrays":   strings.Repeat(`[`, deep) + strings.Repeat("]", deep),
		"too deep":      strings.Repeat(`[`, 1<<20),
		"many keys":     "{" + many(testworld.Sized(10_000, 50_000), func(i int) string { return fmt.Sprintf(`"k%d":"v"`, i) }) + "}",
		"one key":       "{" + many(testworld.Sized(20_000, 100_000), func(int) string { return `"a":"v"` }) + "}",
		"large number":  "1e" + strings.Repeat("9", 1<<20),
		"long digits":   strings.Repeat("9", 1<<20),
		"escapes":       `"` + strings.Repeat(`\u00e9`, 150_000) + `"`,
		"surrogates":    `"` + strings.Repeat(`\ud800`, 150_000) + `"`,
		"invalid UTF-8": `"` + strings.Repeat("\xff", 1<<20) + `"`,
		"many parts":    `{"parts":[` + many(testworld.Sized(5_000, 20_000), func(int) string { return `{"value":"a","variable":false}` }) + `]}`,
	}
}

// No data of one process makes the others' instances cost more than its size:
// no stack overflows, and nothing is quadratic.
func TestFault50_HostileInstances(t *testing.T) {
	for name, value := range hostileJSON() {
		t.Run(name, func(t *testing.T) {
			size := 0
			spent := allocated(func() {
				for _, codec := range []naming.Codec{naming.Curator(), naming.Spring()} {
					for _, text := range []string{
						value, `{"address":"h","payload":` + value + "}", `{"address":"h","other":` + value + "}", `{"address":` + value + "}",
						`{"address":"h","port":` + value + "}", `{"address":"h","uriSpec":` + value + "}", `{"address":"h","registrationTimeUTC":` + value + "}",
						`{"address":"h","payload":{"@class":"java.util.HashMap","a":` + value + "}}", `{"address":"h","docent":` + value + "}",
						`{"payload":{"@class":"org.springframework.cloud.zookeeper.discovery.ZookeeperInstance","metadata":` + value + "}}",
					} {
						size += len(text)
						in, err := codec.Decode("orders", "i1", []byte(text))
						if err != nil {
							require.ErrorAs(t, err, new(*naming.MalformedError))
							require.Less(t, len(err.Error()), 1000)
							continue
						}
						in.Draining = !in.Draining
						if _, data, err := codec.Encode(in); err == nil {
							back, err := codec.Decode("orders", "i1", data)
							require.NoError(t, err)
							if in.URISpec == nil {
								back.URISpec = nil // Spring's is filled in
							}
							require.True(t, in.Equal(back), "%T %.60s", codec, text)
						}
					}
				}
			})
			require.Less(t, spent, size*maxCopies, "it allocates in proportion to the text")
		})
	}
}

// maxCopies is how much decoding allocates at most, relative to the text. If
// each level or each member copied what is below or behind it, it would be
// thousands.
const maxCopies = 1000

// The name of a Dubbo instance may be as long as a path.
func TestFault50_HostileNames(t *testing.T) {
	size := 0
	spent := allocated(func() {
		for _, params := range []string{
			strings.Repeat("%26k%3Dv", 50_000), strings.Repeat("%3B", 100_000), strings.Repeat("%25", 100_000), strings.Repeat("%40", 100_000),
			"%26weight%3D" + strings.Repeat("9", 100_000),
		} {
			for _, name := range []string{"dubbo%3A%2F%2Fh%3A1%2Fa.B%3F" + params, "dubbo%3A%2F%2F" + params, params} {
				size += len(name)
				in, err := naming.Dubbo().Decode("a.B", name, nil)
				if err != nil {
					require.ErrorAs(t, err, new(*naming.MalformedError))
					require.Less(t, len(err.Error()), 1000)
					continue
				}
				_, _, _ = naming.Dubbo().Encode(in)
			}
		}
	})
	require.Less(t, spent, size*maxCopies)
}
