package naming_test

import (
	"encoding/json"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
)

// layouts has the codecs, each with the znode that another program writes for an
// instance with one field of its own.
var layouts = []struct {
	name      string
	codec     naming.Codec
	usual     int // the weight of an instance without one
	weighing  func(weight string) (node, data string)
	addressed func(address string) (node, data string)
}{
	{"Curator", naming.Curator(), 0, func(weight string) (string, string) {
		return "i1", `{"address":"h","port":80,"payload":{"@class":"java.util.HashMap","weight":` + quoted(weight) + `}}`
	}, curatorAt},
	{"Curator, a field of our own", naming.Curator(), 0, func(weight string) (string, string) {
		return "i1", `{"address":"h","port":80,"payload":7,"docent":{"weight":` + quoted(weight) + `}}`
	}, curatorAt},
	{"Spring", naming.Spring(), 0, func(weight string) (string, string) {
		return "i1", `{"address":"h","port":80,"payload":{"@class":"org.springframework.cloud.zookeeper.discovery.ZookeeperInstance","metadata":{"weight":` +
			quoted(weight) + `}}}`
	}, curatorAt},
	{"Dubbo", naming.Dubbo(), 100, func(weight string) (string, string) {
		return url.QueryEscape("dubbo://h:80/svc?interface=svc&side=provider&weight=" + weight), ""
	}, func(address string) (string, string) {
		if strings.Contains(address, ":") && !strings.HasPrefix(address, "[") {
			address = "[" + address + "]"
		}
		return url.QueryEscape("dubbo://" + address + ":80/svc"), ""
	}},
}

func curatorAt(address string) (node, data string) {
	return "i1", `{"address":` + quoted(address) + `,"port":80,"uriSpec":"{scheme}://{address}:{port}"}`
}

func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return string(text)
}

// A weight means the same in every codec.
func TestFault29_OneRuleForWeights(t *testing.T) {
	const none, drains = -1, 0
	for text, want := range map[string]int{
		"1": 1, "7": 7, "03": 3, "+3": 3, "1000000": naming.MaxWeight, "1000001": naming.MaxWeight, "2147483647": naming.MaxWeight,
		"0": drains, "-0": drains, "00": drains, "-1": drains, "-2147483648": drains,
		"2147483648": none, "-2147483649": none, "1.5": none, "0.0": none, "1e3": none, " 3": none, "3 ": none, "x": none, "0x10": none, "true": none, "": none,
		"NaN": none, "Infinity": none, "-Infinity": none, "99999999999999999999": none, "３": none, "1_0": none,
	} {
		for _, l := range layouts {
			node, data := l.weighing(text)
			in, err := l.codec.Decode("svc", node, []byte(data))
			require.NoError(t, err)
			name := l.name + " " + text
			if in.Payload != nil && in.Weight == 0 && !in.Draining {
				// The field of our own holds something that Docent does not write.
				n, err := strconv.Atoi(text)
				require.True(t, want == none || err != nil || strconv.Itoa(n) != text, name)
				continue
			}
			switch want {
			case none:
				require.Equal(t, l.usual, in.Weight, name)
				require.True(t, in.Available(), name)
				require.Equal(t, map[string]string{"weight": text}, in.Metadata, name)
			case drains:
				require.False(t, in.Available(), name)
				require.Equal(t, l.usual, in.Weight, name)
				require.Empty(t, in.Metadata, name)
			default:
				require.Equal(t, want, in.Weight, name)
				require.True(t, in.Available(), name)
				require.Empty(t, in.Metadata, name)
			}

			// What is not changed is not written anew, and what is changed is read
			// again as it was meant.
			again, _, err := l.codec.Encode(in)
			require.NoError(t, err, name)
			if want == none {
				require.Equal(t, node, again, name)
			}
			for _, draining := range []bool{true, false} {
				in.Draining = draining
				node, data, err := l.codec.Encode(in)
				require.NoError(t, err, name)
				back, err := l.codec.Decode("svc", node, data)
				require.NoError(t, err, name)
				require.Equal(t, draining, back.Draining, name)
				require.Equal(t, in.Weight, back.Weight, name)
			}
		}
	}
}

// No codec lets an address through that clients cannot call: the instance is
// not registered, and one that another program has registered is not picked.
func TestFault29_AddressesInAllCodecs(t *testing.T) {
	pick := func(l naming.Codec, node, data string) (*naming.Instance, error) {
		in, err := l.Decode("svc", node, []byte(data))
		if err != nil {
			return nil, err
		}
		p, err := naming.NewBalancer(naming.NewList(in), naming.Random()).Pick("")
		return p.Item, err
	}
	for _, l := range layouts {
		for _, address := range append(unusable, "") {
			if l.name == "Dubbo" && (address == "::1]" || address == "\xff" || strings.ContainsAny(address, "@?/#")) {
				continue // in a URL they are another address, or none
			}
			node, data := l.addressed(address)
			_, err := pick(l.codec, node, data)
			require.Error(t, err, "%s %q", l.name, address)
		}
		for _, address := range usable {
			node, data := l.addressed(address)
			in, err := pick(l.codec, node, data)
			require.NoError(t, err, "%s %q", l.name, address)
			bare := strings.Trim(address, "[]")
			host, port, err := net.SplitHostPort(in.HostPort())
			require.NoError(t, err, "%s %q", l.name, address)
			require.Equal(t, [2]string{bare, "80"}, [2]string{host, port}, l.name)
			u, err := url.Parse(in.URI())
			require.NoError(t, err, "%s %q", l.name, address)
			require.Equal(t, [2]string{bare, "80"}, [2]string{u.Hostname(), u.Port()}, l.name)
		}
	}
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		for _, l := range layouts {
			r := registry(p, naming.Layout(l.codec))
			for _, address := range append(unusable, "") {
				_, err := r.Register(w.Context(), naming.Instance{Service: "svc", ID: "bad", Address: address, Port: 80})
				require.Error(w, err, "%s %q", l.name, address)
			}
		}
	})
}

// Dubbo's parameters mean what they mean for Dubbo.
func TestDubboParameters(t *testing.T) {
	read := func(query string) naming.Instance {
		in, err := naming.Dubbo().Decode("svc", url.QueryEscape("dubbo://10.0.0.1:20880/svc?"+query), nil)
		require.NoError(t, err)
		return in
	}
	for query, want := range map[string]naming.Instance{
		"":                                   {Weight: 100},
		"weight=50":                          {Weight: 50},
		"weight=50&weight=60":                {Weight: 60},
		"default.weight=50":                  {Weight: 50},
		"default.weight=50&weight=60":        {Weight: 60},
		"default.weight=0":                   {Weight: 100, Draining: true},
		"enabled=true":                       {Weight: 100},
		"enabled=TRUE":                       {Weight: 100},
		"enabled=false":                      {Weight: 100, Draining: true},
		"enabled=false&enabled=true":         {Weight: 100},
		"enabled=yes":                        {Weight: 100, Draining: true},
		"default.enabled=false":              {Weight: 100, Draining: true},
		"default.enabled=false&enabled=true": {Weight: 100},
		"disabled=true":                      {Weight: 100, Disabled: true},
		"disabled=yes":                       {Weight: 100},
		"dynamic=true":                       {Weight: 100},
		"dynamic=false":                      {Weight: 100, Type: naming.Permanent},
		"timestamp=5":                        {Weight: 100, Registered: fromMillis(5)},
		"timestamp=x":                        {Weight: 100},
		"warmup=600000&sayHello.weight=5":    {Weight: 100},
		"category=providers&side=consumer":   {Weight: 100},
	} {
		in := read(query)
		require.Equal(t, want.Weight, in.Weight, query)
		require.Equal(t, [2]bool{want.Draining, want.Disabled}, [2]bool{in.Draining, in.Disabled}, query)
		require.Equal(t, want.Type, in.Type, query)
		require.True(t, want.Registered.Equal(in.Registered), query)

		// Each can be changed, also where a default or another spelling says the
		// opposite.
		for _, draining := range []bool{true, false} {
			for _, disabled := range []bool{true, false} {
				in.Draining, in.Disabled, in.Weight = draining, disabled, 70
				node, _, err := naming.Dubbo().Encode(in)
				require.NoError(t, err, query)
				back, err := naming.Dubbo().Decode("svc", node, nil)
				require.NoError(t, err, query)
				require.Equal(t, [2]bool{draining, disabled}, [2]bool{back.Draining, back.Disabled}, query)
				require.Equal(t, 70, back.Weight, query)
				require.Equal(t, want.Type, back.Type, query)
			}
		}
	}
	for query, left := range map[string]map[string]string{
		"warmup=1&sayHello.weight=5&dynamic=true": {"warmup": "1", "sayHello.weight": "5", "dynamic": "true"},
		"category=routers":                        {"category": "routers"},
	} {
		require.Equal(t, left, read(query).Metadata)
	}
	for authority, want := range map[string]string{
		"fe80::1%25eth0": "fe80::1%eth0", "fe80::1%25eth0:20880": "[fe80::1%eth0]:20880", "[fe80::1%25eth0]:20880": "[fe80::1%eth0]:20880", "[::1]": "::1", "h": "h",
	} {
		plain, err := url.PathUnescape(authority)
		require.NoError(t, err)
		in, err := naming.Dubbo().Decode("svc", url.QueryEscape("dubbo://"+plain+"/svc"), nil)
		require.NoError(t, err, authority)
		require.Equal(t, want, in.HostPort())
		require.NoError(t, in.CheckAddress())
	}
}
