package dubbo_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/naming/dubbo"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// shop returns an instance of an application and its two services. The revision
// of the services is the MD5 of shopText.
func shop(address string) (naming.Instance, []dubbo.Service) {
	return naming.Instance{Service: "shop", Address: address, Port: 20880, Weight: 200, Metadata: map[string]string{"dubbo.tag": "gray"}},
		[]dubbo.Service{
			{Interface: "org.demo.Stock", Group: "g", Version: "1.0.0", Protocol: "tri", Port: 50051, Path: "stock", Params: map[string]string{"timeout": "500"}},
			{Interface: "org.demo.Orders", Protocol: "dubbo", Params: map[string]string{"methods": "get,put"}},
		}
}

const shopText = "shop" +
	"g/org.demo.Stock:1.0.0:tri50051stock{application=shop, group=g, interface=org.demo.Stock, side=provider, timeout=500, version=1.0.0}" +
	"org.demo.Orders:dubbo20880org.demo.Orders{application=shop, interface=org.demo.Orders, methods=get,put, side=provider}"

func revisionOf(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// The znodes are those that Dubbo for Java writes: a value for each field that
// its consumers read. The order within an object of JSON is of no importance.
func TestRegister(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		r := dubbo.NewRegistry(p.Manager)
		in, services := shop("10.0.0.7")
		g, err := r.Register(w.Context(), in, services)
		require.NoError(w, err)
		require.Equal(w, "/services/shop/10.0.0.7:20880", g.Path())
		revision := revisionOf(shopText)
		require.Equal(w, revision, dubbo.Revision(g.Instance()))
		require.JSONEq(w, `{"name":"shop","id":"10.0.0.7:20880","address":"10.0.0.7","port":20880,"sslPort":null,`+
			`"payload":{"@class":"org.apache.dubbo.registry.zookeeper.ZookeeperInstance","id":"10.0.0.7:20880","name":"shop","metadata":{`+
			`"dubbo.endpoints":"[{\"port\":20880,\"protocol\":\"dubbo\"},{\"port\":50051,\"protocol\":\"tri\"}]","dubbo.metadata.revision":"`+revision+`",`+
			`"dubbo.metadata.storage-type":"remote","dubbo.tag":"gray","weight":"200"}},`+
			fmt.Sprintf(`"registrationTimeUTC":%d,"serviceType":"DYNAMIC","uriSpec":null}`, g.Instance().Registered.UnixMilli()), w.Data(g.Path()))
		require.JSONEq(w, `{"app":"shop","revision":"`+revision+`","services":{`+
			`"g/org.demo.Stock:1.0.0:tri":{"name":"org.demo.Stock","group":"g","version":"1.0.0","protocol":"tri","port":50051,"path":"stock",`+
			`"params":{"application":"shop","group":"g","interface":"org.demo.Stock","side":"provider","timeout":"500","version":"1.0.0"}},`+
			`"org.demo.Orders:dubbo":{"name":"org.demo.Orders","protocol":"dubbo","port":20880,"path":"org.demo.Orders",`+
			`"params":{"application":"shop","interface":"org.demo.Orders","methods":"get,put","side":"provider"}}}}`, w.Data("/dubbo/metadata/shop/"+revision))
		for _, name := range []string{"org.demo.Stock", "org.demo.Orders"} {
			require.Equal(w, "shop", w.Data("/dubbo/mapping/"+name))
		}
		owner := func(path string) int64 {
			info, _ := w.Srv.Node(path)
			return info.Stat.EphemeralOwner
		}
		require.Equal(w, p.Current().ID(), owner(g.Path()))
		require.Zero(w, owner("/dubbo/metadata/shop/"+revision))
		require.Zero(w, owner("/dubbo/mapping/org.demo.Stock"))

		// The second instance shares both, and writes neither again.
		in2, _ := shop("10.0.0.8")
		counts := w.Count(func() { _, err = dubbo.NewRegistry(w.Process().Manager).Register(w.Context(), in2, services) })
		require.NoError(w, err)
		require.Zero(w, counts["setData"])
		require.Equal(w, []string{"10.0.0.7:20880", "10.0.0.8:20880"}, w.Children("/services/shop"))
		require.Equal(w, []string{revision}, w.Children("/dubbo/metadata/shop"))

		// Another revision for another parameter. The old one remains, for the
		// instances that have it.
		services[1].Params = map[string]string{"methods": "get"}
		in = g.Instance()
		in.Weight = 100
		require.NoError(w, r.Update(w.Context(), g, in, services))
		second := revisionOf(strings.Replace(shopText, "get,put", "get", 1))
		require.Equal(w, second, dubbo.Revision(g.Instance()))
		require.Contains(w, w.Data(g.Path()), `"weight":"100"`)
		require.ElementsMatch(w, []string{revision, second}, w.Children("/dubbo/metadata/shop"))

		p.Expire()
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Contains(w, w.Data(g.Path()), second, "an instance comes back with its newest data")
		require.NoError(w, g.Unregister(w.Context()))
		require.Equal(w, []string{"10.0.0.8:20880"}, w.Children("/services/shop"))
		require.Equal(w, "shop", w.Data("/dubbo/mapping/org.demo.Stock"), "as with Dubbo")
	})
}

// A consumer finds a provider of Dubbo for Java: a raw client writes its layout.
func TestDiscover(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/dubbo/mapping/org.demo.Orders", "shop, ware house,,shop")
		w.Put("/services/shop/10.1.2.3:20880", `{"name":"shop","id":"10.1.2.3:20880","address":"10.1.2.3","port":20880,"sslPort":null,`+
			`"payload":{"@class":"org.apache.dubbo.registry.zookeeper.ZookeeperInstance","id":"10.1.2.3:20880","name":"shop","metadata":{`+
			`"dubbo.endpoints":"[{\"port\":20880,\"protocol\":\"dubbo\"},{\"port\":50051,\"protocol\":\"tri\"}]","dubbo.metadata.revision":"abc",`+
			`"dubbo.metadata.storage-type":"remote","meta-v":"1.0.0","timestamp":"1700000000123"}},"registrationTimeUTC":1700000000456,"serviceType":"DYNAMIC","uriSpec":null}`)
		w.Put("/dubbo/metadata/shop/abc", `{"app":"shop","revision":"abc","services":{"org.demo.Orders:tri":{"name":"org.demo.Orders","params":{"side":"provider","release":"3.3.1",`+
			`"methods":"get","deprecated":"false","dubbo":"2.0.2","interface":"org.demo.Orders","service-name-mapping":"true","weight":"300","generic":"false",`+
			`"metadata-type":"remote","application":"shop","prefer.serialization":"hessian2,fastjson2","background":"false","dynamic":"true","anyhost":"true"},`+
			`"path":"org.demo.Orders","port":-1,"protocol":"tri","serviceKey":"org.demo.Orders"},`+
			`"a/org.demo.Old:2":{"name":"org.demo.Old","group":"a","version":"2","path":"org.demo.Old"}}}`)

		r := dubbo.NewRegistry(w.Process().Manager)
		apps, err := r.Applications(w.Context(), "org.demo.Orders")
		require.NoError(w, err)
		require.Equal(w, []string{"shop", "ware house"}, apps)
		s, err := r.Instances().Open(w.Context(), apps[0])
		require.NoError(w, err)
		defer s.Close()
		in := s.Load()[0]
		ports, err := dubbo.Ports(in)
		require.NoError(w, err)
		require.Equal(w, map[string]int{"dubbo": 20880, "tri": 50051}, ports)
		m, err := r.Metadata(w.Context(), in.Service, dubbo.Revision(in))
		require.NoError(w, err)
		require.Equal(w, "shop abc", m.Application+" "+m.Revision)
		require.Len(w, m.Services, 2)
		require.Equal(w, dubbo.Service{Interface: "org.demo.Old", Group: "a", Version: "2", Path: "org.demo.Old"}, m.Services[0])
		require.Equal(w, "300", m.Services[1].Params["weight"])
		m.Services[1].Params = nil
		require.Equal(w, dubbo.Service{Interface: "org.demo.Orders", Protocol: "tri", Path: "org.demo.Orders"}, m.Services[1])
		require.Equal(w, "org.demo.Orders:tri", m.Services[1].Key())

		// dubbo-go has its metadata at another path.
		w.Put("/dubbo/shop/77", `{"app":"shop","revision":"77"}`)
		m, err = r.Metadata(w.Context(), "shop", "77")
		require.NoError(w, err)
		require.Equal(w, dubbo.Metadata{Application: "shop", Revision: "77"}, m)

		_, err = r.Metadata(w.Context(), "shop", "gone")
		require.ErrorIs(w, err, session.ErrNoNode)
		require.ErrorContains(w, err, "read metadata /dubbo/metadata/shop/gone: ZooKeeper does not have it")
		require.ErrorContains(w, err, "storage type local")
		apps, err = r.Applications(w.Context(), "org.demo.None")
		require.NoError(w, err)
		require.Empty(w, apps)
	})
}

func TestDubboGo(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		r := dubbo.NewRegistry(w.Process().Manager, dubbo.DubboGo(), dubbo.Root("/d"), dubbo.Base("/s"))
		in, services := shop("10.0.0.7")
		g, err := r.Register(w.Context(), in, services)
		require.NoError(w, err)
		require.Equal(w, "/s/shop/10.0.0.7:20880", g.Path())
		revision := dubbo.Revision(g.Instance())
		require.Equal(w, w.Data("/d/metadata/shop/"+revision), w.Data("/d/shop/"+revision))
		require.Equal(w, "shop", w.Data("/d/mapping/org.demo.Orders"))
	})
}

// Applications that register at the same time all get into the mapping, beside
// what other programs wrote, and each once.
func TestMapping_contest(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/dubbo/mapping/org.demo.Orders", "theirs,app-1")
		var calls []*testworld.Call[*naming.Registration]
		for i := range 12 {
			r := dubbo.NewRegistry(w.Process().Manager)
			calls = append(calls, testworld.Go(w, func(ctx context.Context) (*naming.Registration, error) {
				return r.Register(ctx, naming.Instance{Service: fmt.Sprintf("app-%d", i/2), Address: fmt.Sprintf("10.0.0.%d", i), Port: 1},
					[]dubbo.Service{{Interface: "org.demo.Orders", Protocol: "tri"}})
			}))
		}
		for _, c := range calls {
			c.Get()
		}
		names := strings.Split(w.Data("/dubbo/mapping/org.demo.Orders"), ",")
		require.Equal(w, []string{"theirs", "app-1"}, names[:2], "what was written stays in front")
		require.ElementsMatch(w, []string{"theirs", "app-0", "app-1", "app-2", "app-3", "app-4", "app-5"}, names)
	})
}

// A lost answer to a write adds the name once, and is not an error.
func TestMapping_lostAnswers(t *testing.T) {
	for _, held := range []string{"", "theirs"} {
		testworld.Run(t, func(w *testworld.World) {
			const path = "/dubbo/mapping/org.demo.Orders"
			op := zktest.OpCreate
			if held != "" {
				w.Put(path, held)
				op = zktest.OpSetData
			}
			lost := false
			w.Once(func(q zktest.Request) bool {
				return q.Path == path && (q.Op == op || op == zktest.OpCreate && strings.HasPrefix(q.Op.String(), "create"))
			},
				func() zktest.Action { lost = true; return zktest.LoseReply })
			_, err := dubbo.NewRegistry(w.Process().Manager).Register(w.Context(), naming.Instance{Service: "shop", Address: "10.0.0.7", Port: 1},
				[]dubbo.Service{{Interface: "org.demo.Orders", Protocol: "tri"}})
			require.NoError(w, err)
			require.True(w, lost)
			require.Equal(w, strings.TrimPrefix(held+",shop", ","), w.Data(path))
		})
	}
}

func TestChanges(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		r := dubbo.NewRegistry(p.Manager)
		seen := testworld.Observe(w, func(ctx context.Context) iter.Seq2[[]string, error] {
			return r.Changes(ctx, "org.demo.Orders")
		},
			func(apps []string, err error) string {
				if err != nil {
					return "E"
				}
				return strings.Join(apps, "+")
			})
		take := func() string { time.Sleep(time.Second); synctest.Wait(); return seen.Take() }
		require.Equal(w, "", take())
		w.Put("/dubbo/mapping/org.demo.Orders", "b")
		require.Equal(w, "b", take())
		p.Expire()
		w.Put("/dubbo/mapping/org.demo.Orders", "b,a")
		time.Sleep(time.Minute)
		require.Equal(w, "a+b", take())
		w.Put("/dubbo/mapping/org.demo.Orders", "a, b")
		require.Equal(w, "", take(), "the same names")
		require.NoError(w, p.Manager.Close())
		require.Equal(w, "E", take())
		require.ErrorIs(w, seen.Errs()[0], session.ErrClosed)
	})
}

func TestRefused(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		r := dubbo.NewRegistry(w.Process().Manager)
		for reason, change := range map[string]func(in *naming.Instance, s []dubbo.Service){
			"the application is empty":        func(in *naming.Instance, _ []dubbo.Service) { in.Service = "" },
			`application "a,b" has a comma`:   func(in *naming.Instance, _ []dubbo.Service) { in.Service = "a,b" },
			"must not contain /":              func(in *naming.Instance, _ []dubbo.Service) { in.Service = "a/b" },
			"needs an address and a port":     func(in *naming.Instance, s []dubbo.Service) { in.Port, s[1].Port = 0, 1 },
			"port 0 is not within":            func(in *naming.Instance, s []dubbo.Service) { in.Port = 0 },
			"stands for every address":        func(in *naming.Instance, _ []dubbo.Service) { in.Address = "0.0.0.0" },
			`"weight" is reserved`:            func(in *naming.Instance, _ []dubbo.Service) { in.Metadata = map[string]string{"weight": "1"} },
			"the interface is empty":          func(_ *naming.Instance, s []dubbo.Service) { s[0].Interface = "" },
			"the interface cannot name":       func(_ *naming.Instance, s []dubbo.Service) { s[0].Interface = "a/b" },
			"it has no protocol":              func(_ *naming.Instance, s []dubbo.Service) { s[0].Protocol = "" },
			"has a / or : in it":              func(_ *naming.Instance, s []dubbo.Service) { s[0].Group = "a/b" },
			"port 65536 is not":               func(_ *naming.Instance, s []dubbo.Service) { s[0].Port = 65536 },
			"is given twice":                  func(_ *naming.Instance, s []dubbo.Service) { s[0] = s[1] },
			"parameters have an empty key":    func(_ *naming.Instance, s []dubbo.Service) { s[0].Params[""] = "x" },
			`service "g/org.demo.Stock:\xff:`: func(_ *naming.Instance, s []dubbo.Service) { s[0].Version = "\xff" },
		} {
			in, services := shop("10.0.0.7")
			change(&in, services)
			_, err := r.Register(w.Context(), in, services)
			require.ErrorContains(w, err, reason)
			var op *session.OpError
			require.ErrorAs(w, err, &op)
		}
		require.Equal(w, []string{"zookeeper"}, w.Children("/"), "nothing is written for a registration that cannot be")

		// Without services the instance alone is registered.
		in, _ := shop("10.0.0.7")
		g, err := r.Register(w.Context(), in, nil)
		require.NoError(w, err)
		require.Equal(w, "0", dubbo.Revision(g.Instance()))
		require.Equal(w, []string{"services", "zookeeper"}, w.Children("/"))

		in, services := shop("10.0.0.8")
		w.Put("/dubbo/mapping/org.demo.Stock", "theirs")
		undo := w.Fail(zktest.OpSetData, "/dubbo/mapping/org.demo.Stock", zktest.CodeNoAuth)
		_, err = r.Register(w.Context(), in, services)
		undo()
		require.ErrorIs(w, err, session.ErrNoAuth)
		require.ErrorContains(w, err, "register application")
		require.Equal(w, []string{"10.0.0.7:20880"}, w.Children("/services/shop"))

		for _, bad := range []*dubbo.Registry{dubbo.NewRegistry(w.Process().Manager, dubbo.Root("x")), dubbo.NewRegistry(w.Process().Manager, dubbo.Base("x"))} {
			_, err = bad.Register(w.Context(), in, services)
			require.ErrorContains(w, err, "relative")
			_, err = bad.Applications(w.Context(), "a.B")
			require.ErrorContains(w, err, "relative")
			_, err = bad.Metadata(w.Context(), "shop", "1")
			require.ErrorContains(w, err, "relative")
		}
	})
}

func TestMalformed(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		r := dubbo.NewRegistry(w.Process().Manager)
		for data, reason := range map[string]string{
			" ": "it is empty", "{": "in JSON", "null": "in JSON", "[]": "in JSON", `{"services":{"a":null}}`: "without an interface",
			`{"services":{"a":{"name":"a","port":65536}}}`: "port 65536", "\"\xff\"": "UTF-8", `{"services":{"a":{"params":{"x":"secret`: "in JSON",
		} {
			w.Put("/dubbo/metadata/shop/1", data)
			_, err := r.Metadata(w.Context(), "shop", "1")
			require.ErrorContains(w, err, reason, data)
			require.NotContains(w, err.Error(), "secret")
		}
		for _, bad := range []string{"{", `[1]`, `[{"port":1}]`, `[{"protocol":"tri"}]`, `[{"protocol":"tri","port":70000}]`, `[null]`} {
			ports, err := dubbo.Ports(naming.Instance{Service: "shop", ID: "h:1", Metadata: map[string]string{"dubbo.endpoints": bad}})
			var malformed *naming.MalformedError
			require.ErrorAs(w, err, &malformed, bad)
			require.ErrorContains(w, err, `instance "h:1" of service "shop"`)
			require.Nil(w, ports)
		}
		ports, err := dubbo.Ports(naming.Instance{})
		require.NoError(w, err)
		require.Empty(w, ports)
	})
}

func TestMisuse(t *testing.T) {
	testworld.Misuse(t, dubbo.NewRegistry, dubbo.Base, dubbo.Root, dubbo.DubboGo, dubbo.Ports, dubbo.Revision,
		new(dubbo.Registry), dubbo.NewRegistry(nil), new(dubbo.Service), new(dubbo.Metadata))
}
