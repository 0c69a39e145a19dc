package naming_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
)

// foreign are instances as other programs write them: with fields that Docent
// does not know, in another order, with other digits and white space.
var foreign = map[string]struct {
	codec                naming.Codec
	text, drained, moved string // as it is, with Draining, with another port
}{
	"Curator, unknown fields": {
		naming.Curator(),
		`{"future":{"n":1.50},"port": 80,"name":"Orders","id":"i1","uriSpec":{"parts":[{"value":"x","variable":false,"since":3}]},"big":12345678901234567890123}`,
		`{"future":{"n":1.50},"port": 80,"name":"Orders","id":"i1","uriSpec":{"parts":[{"value":"x","variable":false,"since":3}]},"big":12345678901234567890123,` +
			`"payload":{"@class":"java.util.HashMap","draining":"true"}}`,
		`{"future":{"n":1.50},"port": 81,"name":"Orders","id":"i1","uriSpec":{"parts":[{"value":"x","variable":false,"since":3}]},"big":12345678901234567890123}`,
	},
	"Curator, a payload of its own": {
		naming.Curator(),
		`{"name":"orders","id":"i1","payload":{"@class":"a.B", "n":1.0},"port":80}`,
		`{"name":"orders","id":"i1","payload":{"@class":"a.B", "n":1.0},"port":80,"docent":{"draining":true}}`,
		`{"name":"orders","id":"i1","payload":{"@class":"a.B", "n":1.0},"port":81}`,
	},
	"Curator, a map": {
		naming.Curator(),
		`{"name":"orders","id":"i1","payload":{"zone":"a","@class":"java.util.TreeMap","az":"1"},"port":80}`,
		`{"name":"orders","id":"i1","payload":{"zone":"a","@class":"java.util.TreeMap","az":"1","draining":"true"},"port":80}`,
		`{"name":"orders","id":"i1","payload":{"zone":"a","@class":"java.util.TreeMap","az":"1"},"port":81}`,
	},
	"Spring": {
		naming.Spring(),
		"{\n  \"id\": \"i1\",\n  \"port\": 80,\n  \"payload\": {\"@class\":\"org.springframework.cloud.zookeeper.discovery.ZookeeperInstance\"," +
			"\"metadata\":{\"zone\":\"a\",\"instance_status\":\"UP\",\"none\":null},\"v\":1e3,\"id\":\"x\",\"name\":\"y\"}\n}\n",
		"{\n  \"id\": \"i1\",\n  \"port\": 80,\n  \"payload\": {\"@class\":\"org.springframework.cloud.zookeeper.discovery.ZookeeperInstance\"," +
			"\"metadata\":{\"zone\":\"a\",\"instance_status\":\"OUT_OF_SERVICE\",\"none\":null},\"v\":1e3,\"id\":\"x\",\"name\":\"y\"}\n}\n",
		"{\n  \"id\": \"i1\",\n  \"port\": 81,\n  \"payload\": {\"@class\":\"org.springframework.cloud.zookeeper.discovery.ZookeeperInstance\"," +
			"\"metadata\":{\"zone\":\"a\",\"instance_status\":\"UP\",\"none\":null},\"v\":1e3,\"id\":\"x\",\"name\":\"y\"}\n}\n",
	},
}

func TestFault24_CodecsKeepWhatOthersWrote(t *testing.T) {
	for name, c := range foreign {
		encode := func(change func(*naming.Instance)) string {
			in, err := c.codec.Decode("orders", "i1", []byte(c.text))
			require.NoError(t, err, name)
			change(&in)
			node, data, err := c.codec.Encode(in)
			require.NoError(t, err, name)
			require.Equal(t, "i1", node)
			again, err := c.codec.Decode("orders", "i1", data)
			require.NoError(t, err, name)
			require.Equal(t, in.Draining, again.Draining)
			require.Equal(t, in.Port, again.Port)
			require.Equal(t, in.Metadata, again.Metadata)
			return string(data)
		}
		require.Equal(t, c.text, encode(func(*naming.Instance) {}), name)
		require.Equal(t, c.drained, encode(func(in *naming.Instance) { in.Draining = true }), name)
		require.Equal(t, c.moved, encode(func(in *naming.Instance) { in.Port = 81 }), name)
	}
}

// What operators do to an instance of another program.
func TestFault24_SetDrainingKeepsWhatOthersWrote(t *testing.T) {
	for name, c := range foreign {
		t.Run(strings.Fields(name)[0], func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				r := naming.NewRegistry(w.Process().Manager, naming.Layout(c.codec))
				w.Put(orders+"/i1", c.text)
				counts := w.Count(func() { require.NoError(w, r.SetDraining(w.Context(), "orders", "i1", false)) })
				require.Zero(w, counts["setData"], "it is not draining")
				require.NoError(w, r.SetDraining(w.Context(), "orders", "i1", true))
				require.Equal(w, c.drained, w.Data(orders+"/i1"))
			})
		})
	}
}

// A payload of Curator's that Spring's codec has read cannot hold what Spring's
// codec changes: it is replaced.
func TestFault50_OtherLayoutsAreReplaced(t *testing.T) {
	in, err := naming.Spring().Decode("orders", "i1", []byte(`{"address":"h","x":1,"payload":{"@class":"java.util.HashMap","a":"b"}}`))
	require.NoError(t, err)
	in.Draining = true
	_, data, err := naming.Spring().Encode(in)
	require.NoError(t, err)
	back, err := naming.Spring().Decode("orders", "i1", data)
	require.NoError(t, err)
	require.True(t, back.Draining, "%s", data)
	require.Equal(t, map[string]string{"a": "b"}, back.Metadata)
	require.Contains(t, string(data), `"x":1`)
}
