package naming_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming"
)

// fuzzJSON: any znode is read or refused. An instance that was read and can be
// written is read again as the same.
func fuzzJSON(f *testing.F, codec naming.Codec) {
	for _, seed := range []string{
		"", "{}", "null", `{"name":"svc"`, `{"id":"x","port":1,"payload":{"@class":"java.util.HashMap","weight":"3","draining":"true"},"enabled":false}`,
		`{"payload":["java.lang.Long",7],"docent":{"weight":3},"uriSpec":{"parts":[{"value":"scheme","variable":true}]}}`,
		`{"payload":{"@class":"org.springframework.cloud.zookeeper.discovery.ZookeeperInstance","id":"a","name":"b","metadata":{"instance_status":"DOWN","weight":"2"}}}`,
		dubboTheirs, dubboGoTheirs,
		`{"address":"h","port":1,"payload":{"@class":"org.apache.dubbo.registry.zookeeper.ZookeeperInstance","metadata":{"disabled":"false","enabled":"no","weight":"-1"}}}`,
		`{"registrationTimeUTC":-9223372036854775808,"serviceType":"STATIC","x":1,"x":2}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in, err := codec.Decode("svc", "i1", data)
		if err != nil {
			var bad *naming.MalformedError
			require.ErrorAs(t, err, &bad)
			return
		}
		require.Equal(t, "i1", in.ID)
		_, out, err := codec.Encode(in)
		if err != nil {
			return
		}
		back, err := codec.Decode("svc", "i1", out)
		require.NoError(t, err, "%s", out)
		if in.URISpec == nil {
			back.URISpec = nil // Spring's is filled in
		}
		require.True(t, in.Equal(back), "%s\n%s", data, out)
	})
}

func FuzzCurator(f *testing.F) { fuzzJSON(f, naming.Curator()) }
func FuzzSpring(f *testing.F)  { fuzzJSON(f, naming.Spring()) }

func FuzzDubboApplication(f *testing.F) { fuzzJSON(f, naming.DubboApplication()) }

func FuzzDubbo(f *testing.F) {
	for _, seed := range []string{
		"", "%", "dubbo%3A%2F%2F10.0.0.1%3A20880%2Fa.B%3Fweight%3D7%26enabled%3Dfalse", "tri%3A%2F%2Fu%3Ap%40%5B%3A%3A1%5D%3A1%2Fx%3Fa%26b%3D%3Bc%3Dd",
	} {
		f.Add(seed)
	}
	codec := naming.Dubbo()
	f.Fuzz(func(t *testing.T, name string) {
		in, err := codec.Decode("a.B", name, nil)
		if err != nil {
			var bad *naming.MalformedError
			require.ErrorAs(t, err, &bad)
			return
		}
		again, data, err := codec.Encode(in)
		if err != nil {
			return
		}
		back, err := codec.Decode("a.B", again, data)
		require.NoError(t, err, "%s", again)
		in.ID, in.URISpec, back.URISpec = back.ID, nil, nil
		require.True(t, in.Equal(back), "%q\n%q", name, again)
	})
}

// A rule is applied or named, and what it leaves is an instance.
func FuzzOverride(f *testing.F) {
	for _, seed := range []string{
		"", "%", "override%3A%2F%2F0.0.0.0%2Fa.B%3Fcategory%3Dconfigurators%26weight%3D5", "absent%3A%2F%2Fh%3A1%2F%2A%3Fcategory%3Dconfigurators%26disabled%3Dtrue",
		"override%3A%2F%2Fu%40h%2F%3F~a%3D1", "a.B%3A%3A.configurators",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		codec, refused := naming.Under(naming.Dubbo(), "a.B", []string{"/dubbo/a.B/configurators/" + name})
		for _, err := range refused {
			require.NotEmpty(t, err.Error())
		}
		in, err := codec.Decode("a.B", "dubbo%3A%2F%2Fh%3A1%2Fa.B%3Fk%3Dv", nil)
		if err == nil {
			require.NoError(t, in.Validate())
			require.Equal(t, "h:1", in.HostPort())
		}
	})
}

func FuzzCache(f *testing.F) {
	path := f.TempDir() + "/cache"
	in := sample()
	in.Metadata = map[string]string{"a": "b"}
	if err := naming.SaveCache(path, "svc", []naming.Instance{in}, time.UnixMilli(7)); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", "{}", "null", string(good), string(good[:len(good)/2]), `{"format":"docent naming cache","version":2}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		require.NoError(t, os.WriteFile(path, data, 0o600))
		all, _, err := naming.LoadCache(path, "svc")
		if err != nil {
			require.Nil(t, all)
			require.True(t, errors.Is(err, naming.ErrCacheDamaged) || errors.Is(err, naming.ErrCacheService) || errors.Is(err, naming.ErrCacheVersion))
			return
		}
		for _, in := range all {
			require.NoError(t, in.Validate())
		}
	})
}
