package dubbo

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming"
)

// Metadata that was read is written and read again as the same, and keeps its
// order.
func FuzzMetadata(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "null", `{"app":"shop","revision":"1","services":{"a":{"name":"a.B","port":-1,"params":null}}}`,
		`{"services":{"g/a:1:tri":{"name":"a","group":"g","version":"1","protocol":"tri","port":5,"path":"p","params":{"k":"v<&"}},"b":{"name":"b"}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decode(data)
		if err != nil {
			require.Zero(t, m)
			return
		}
		byKey := func(a, b Service) int { return strings.Compare(a.Key(), b.Key()) }
		require.True(t, slices.IsSortedFunc(m.Services, byKey))
		m.Services = slices.CompactFunc(m.Services, func(a, b Service) bool { return a.Key() == b.Key() })
		out, err := m.encode()
		require.NoError(t, err)
		back, err := decode(out)
		require.NoError(t, err, "%s", out)
		for _, all := range [][]Service{m.Services, back.Services} {
			for i := range all {
				if len(all[i].Params) == 0 {
					all[i].Params = nil
				}
			}
		}
		require.Equal(t, m, back)
	})
}

func FuzzPorts(f *testing.F) {
	for _, seed := range []string{"", "[]", "{}", `[{"port":20880,"protocol":"dubbo"}]`, `[{"port":1,"protocol":""}]`, `[null]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ports, err := Ports(naming.Instance{Metadata: map[string]string{endpointsKey: text}})
		if err != nil {
			var malformed *naming.MalformedError
			require.True(t, errors.As(err, &malformed))
			require.Nil(t, ports)
			return
		}
		for protocol, port := range ports {
			require.NotEmpty(t, protocol)
			require.True(t, 1 <= port && port <= 65535)
		}
	})
}

// The names of a mapping can be registered, and are the same if they are written
// as a mapping.
func FuzzMapping(f *testing.F) {
	for _, seed := range []string{"", ",", "a,b", " a ,b,a", "a/b,..,\xff,\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		names := parseMapping(data)
		for _, name := range names {
			require.NoError(t, checkApplication(name))
		}
		require.Equal(t, names, parseMapping([]byte(strings.Join(names, ","))))
	})
}
