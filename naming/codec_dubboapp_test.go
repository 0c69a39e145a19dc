package naming_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
)

// Instances as Dubbo 3 for Java and dubbo-go write them. Java's serializer is
// Curator's, in its compatible mode, and the metadata is in the order of the
// keys. dubbo-go writes fewer fields of its own, and its tag beside them.
const (
	dubboTheirs = `{"name":"shop","id":"10.1.2.3:20880","address":"10.1.2.3","port":20880,"sslPort":null,` +
		`"payload":{"@class":"org.apache.dubbo.registry.zookeeper.ZookeeperInstance","id":"10.1.2.3:20880","name":"shop","metadata":{` +
		`"dubbo.endpoints":"[{\"port\":20880,\"protocol\":\"dubbo\"},{\"port\":50051,\"protocol\":\"tri\"}]",` +
		`"dubbo.metadata-service.url-params":"{\"connections\":\"1\",\"version\":\"1.0.0\",\"dubbo\":\"2.0.2\",\"release\":\"3.3.1\",\"side\":\"provider\",\"port\":\"20880\",\"protocol\":\"dubbo\"}",` +
		`"dubbo.metadata.revision":"0c5e1f3b7a9d2468ace013579bdf8642","dubbo.metadata.storage-type":"local","ipv6":"fd00:0:0:0:0:0:0:7","meta-v":"1.0.0","timestamp":"1700000000123"}},` +
		`"registrationTimeUTC":1700000000456,"serviceType":"DYNAMIC","uriSpec":null}`
	dubboGoTheirs = `{"name":"shop","id":"10.1.2.4:20000","address":"10.1.2.4","port":20000,"payload":{"@class":"org.apache.dubbo.registry.zookeeper.ZookeeperInstance",` +
		`"id":"10.1.2.4:20000","metadata":{"dubbo.endpoints":"[{\"port\":20000,\"protocol\":\"tri\"}]","dubbo.metadata.revision":"1234567890",` +
		`"dubbo.metadata.storage-type":"remote","dubbo.tag":"gray","timestamp":"1700000001"},"name":"shop"},"tag":"gray"}`
)

func TestDubboApplicationGolden(t *testing.T) {
	codec := naming.DubboApplication()
	require.Equal(t, "/services", codec.Base())
	require.False(t, codec.InName())
	dir, err := codec.Dir("/services", "shop")
	require.NoError(t, err)
	require.Equal(t, "/services/shop", dir)

	in := naming.Instance{
		Service: "shop", ID: "10.0.0.7:20880", Address: "10.0.0.7", Port: 20880, Registered: time.UnixMilli(1700000000000).UTC(),
		Weight: 200, Metadata: map[string]string{"dubbo.tag": "gray", "dubbo.endpoints": `[{"port":20880,"protocol":"dubbo"}]`},
	}
	const head, tail = `{"name":"shop","id":"10.0.0.7:20880","address":"10.0.0.7","port":20880,"sslPort":null,"payload":{"@class":"org.apache.dubbo.registry.zookeeper.ZookeeperInstance",` +
		`"id":"10.0.0.7:20880","name":"shop","metadata":{"dubbo.endpoints":"[{\"port\":20880,\"protocol\":\"dubbo\"}]","dubbo.tag":"gray"`,
		`}},"registrationTimeUTC":1700000000000,"serviceType":"DYNAMIC","uriSpec":null`
	require.Equal(t, head+`,"weight":"200"`+tail+`}`, encoded(t, codec, in))
	in.Weight, in.Draining, in.Disabled = 0, true, true
	require.Equal(t, strings.Replace(head, `"dubbo.endpoints"`, `"disabled":"true","dubbo.endpoints"`, 1)+`,"enabled":"false"`+tail+`,"enabled":false}`,
		encoded(t, codec, in))

	for theirs, want := range map[string]naming.Instance{
		dubboTheirs: {
			Service: "shop", ID: "10.1.2.3:20880", Address: "10.1.2.3", Port: 20880, Weight: 100, Registered: time.UnixMilli(1700000000456).UTC(),
			Metadata: map[string]string{
				"dubbo.endpoints":                   `[{"port":20880,"protocol":"dubbo"},{"port":50051,"protocol":"tri"}]`,
				"dubbo.metadata-service.url-params": `{"connections":"1","version":"1.0.0","dubbo":"2.0.2","release":"3.3.1","side":"provider","port":"20880","protocol":"dubbo"}`,
				"dubbo.metadata.revision":           "0c5e1f3b7a9d2468ace013579bdf8642", "dubbo.metadata.storage-type": "local",
				"ipv6": "fd00:0:0:0:0:0:0:7", "meta-v": "1.0.0", "timestamp": "1700000000123",
			},
		},
		dubboGoTheirs: {
			Service: "shop", ID: "10.1.2.4:20000", Address: "10.1.2.4", Port: 20000, Weight: 100,
			Metadata: map[string]string{
				"dubbo.endpoints": `[{"port":20000,"protocol":"tri"}]`, "dubbo.metadata.revision": "1234567890",
				"dubbo.metadata.storage-type": "remote", "dubbo.tag": "gray", "timestamp": "1700000001",
			},
		},
	} {
		in, err := codec.Decode("shop", want.ID, []byte(theirs))
		require.NoError(t, err)
		require.True(t, want.Equal(in), "%+v", in)
		require.Equal(t, theirs, encoded(t, codec, in), "nothing is lost, and no weight is added")
		in.Draining = true
		require.Contains(t, encoded(t, codec, in), `"enabled":"false"`)
		require.Equal(t, len(theirs)+len(`,"enabled":"false"`), len(encoded(t, codec, in)), "nothing else changes")
	}
}

// Dubbo's consumers take these from an instance's metadata.
func TestDubboApplication_fields(t *testing.T) {
	for metadata, want := range map[string]string{
		``:                                      "100",
		`"weight":"7"`:                          "7",
		`"weight":"0"`:                          "100 draining",
		`"weight":"-3"`:                         "100 draining",
		`"weight":"1.5"`:                        "100 [weight]",
		`"weight":"2147483647"`:                 fmt.Sprint(naming.MaxWeight),
		`"weight":"100"`:                        "100",
		`"disabled":"TRUE"`:                     "100 disabled",
		`"disabled":"false"`:                    "100 [disabled]",
		`"enabled":"no"`:                        "100 draining",
		`"enabled":""`:                          "100 [enabled]",
		`"enabled":"true"`:                      "100 [enabled]",
		`"disabled":"no","enabled":"false"`:     "100 [disabled enabled]",
		`"disabled":"true","enabled":"false"`:   "100 draining disabled",
		`"disabled":"","enabled":"false"`:       "100 draining [disabled]",
		`"disabled":false,"weight":50,"x":null`: "50 [disabled]",
	} {
		codec := naming.DubboApplication()
		text := `{"address":"h","port":1,"payload":{"@class":"org.apache.dubbo.registry.zookeeper.ZookeeperInstance","metadata":{` + metadata + `}}}`
		in, err := codec.Decode("shop", "h:1", []byte(text))
		require.NoError(t, err)
		require.Equal(t, want, fieldsOf(in), metadata)
		require.Equal(t, text, encoded(t, codec, in))
		for _, change := range []func(*naming.Instance){
			func(in *naming.Instance) { in.Draining, in.Disabled = true, false },
			func(in *naming.Instance) { in.Draining, in.Disabled = false, true },
			func(in *naming.Instance) { in.Draining, in.Disabled = true, true },
			func(in *naming.Instance) { in.Draining, in.Disabled = false, false },
		} {
			changed := in
			change(&changed)
			back, err := codec.Decode("shop", "h:1", []byte(encoded(t, codec, changed)))
			require.NoError(t, err)
			require.Equal(t, [2]bool{changed.Disabled, changed.Draining}, [2]bool{back.Disabled, back.Draining}, "%s, changed", metadata)
			require.Equal(t, changed.Weight, back.Weight)
		}
	}
}

func fieldsOf(in naming.Instance) string {
	text := fmt.Sprint(in.Weight)
	if in.Draining {
		text += " draining"
	}
	if in.Disabled {
		text += " disabled"
	}
	var left []string
	for _, key := range []string{"disabled", "enabled", "weight", "x"} {
		if _, there := in.Metadata[key]; there {
			left = append(left, key)
		}
	}
	if left != nil {
		text += fmt.Sprintf(" %v", left)
	}
	return text
}

func TestDubboApplicationRefuses(t *testing.T) {
	meta := func(k, v string) func(*naming.Instance) {
		return func(in *naming.Instance) { in.Metadata = map[string]string{k: v} }
	}
	for reason, change := range map[string]func(*naming.Instance){
		"needs an address and a port":                       func(in *naming.Instance) { in.Port = 0 },
		"an address and a port":                             func(in *naming.Instance) { in.Address = "" },
		"the payload of a Dubbo instance is fixed":          func(in *naming.Instance) { in.Payload = json.RawMessage(`1`) },
		`"weight" is reserved: set the field Weight`:        meta("weight", "3"),
		`key "weight" is reserved`:                          func(in *naming.Instance) { in.Weight = 3; meta("weight", "x")(in) },
		`key "disabled" is reserved: set the field Dis`:     meta("disabled", "True"),
		`key "enabled" is reserved: set the field Draining`: meta("enabled", "no"),
	} {
		in := at("i1", "h")
		in.Weight = 0
		change(&in)
		_, _, err := naming.DubboApplication().Encode(in)
		require.ErrorContains(t, err, reason)
	}
}

// An instance without an ID gets Dubbo's, and a foreign payload is read.
func TestDubboApplication_registered(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		r := registry(w.Process(), naming.Layout(naming.DubboApplication()))
		for address, id := range map[string]string{"10.0.0.7": "10.0.0.7:80", "fd00::7": "fd00::7:80"} {
			g, err := r.Register(w.Context(), at("", address))
			require.NoError(w, err)
			require.Equal(w, orders+"/"+id, g.Path())
			require.Equal(w, id, g.Instance().ID)
		}
		w.Put(orders+"/curators", `{"address":"h","port":1,"payload":{"@class":"java.util.HashMap","zone":"a","weight":"5"}}`)
		w.Put(orders+"/springs", `{"address":"h","port":1,"payload":{"@class":"org.springframework.cloud.zookeeper.discovery.ZookeeperInstance","id":"s"}}`)
		s, err := r.Open(w.Context(), "orders")
		require.NoError(w, err)
		defer s.Close()
		require.Equal(w, 4, s.View().Len())
		in, _ := s.View().Instance("curators")
		require.Equal(w, "a", in.Metadata["zone"])
		require.Equal(w, 5, in.Weight)
		in, _ = s.View().Instance("springs")
		require.NotNil(w, in.Payload)
		require.ErrorContains(w, r.SetDraining(w.Context(), "orders", "springs", true), "payload of a Dubbo instance is fixed")
		require.NoError(w, r.SetDraining(w.Context(), "orders", "10.0.0.7:80", true))
		require.Contains(w, w.Data(orders+"/10.0.0.7:80"), `"enabled":"false"`)
	})
}
