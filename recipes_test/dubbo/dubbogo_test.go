package dubbo_test

import (
	"strings"
	"testing"

	"dubbo.apache.org/dubbo-go/v3/common"
	"dubbo.apache.org/dubbo-go/v3/common/extension"
	"dubbo.apache.org/dubbo-go/v3/metadata"
	_ "dubbo.apache.org/dubbo-go/v3/metadata/mapping/metadata"
	_ "dubbo.apache.org/dubbo-go/v3/metadata/report/zookeeper"
	"dubbo.apache.org/dubbo-go/v3/registry"
	_ "dubbo.apache.org/dubbo-go/v3/registry/servicediscovery"
	_ "dubbo.apache.org/dubbo-go/v3/registry/zookeeper"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/naming/dubbo"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// world is a server with dubbo-go's registry and ours on it. dubbo-go keeps its
// registries in globals, and a cache in the working directory.
func world(t *testing.T) (theirs registry.Registry, sm *session.Manager) {
	t.Chdir(t.TempDir())
	addr, err := zktest.New(t).Listen("127.0.0.1:0")
	require.NoError(t, err)
	sm, err = session.Dial(t.Context(), session.Config{Servers: []string{addr}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = sm.Close() })

	require.NoError(t, metadata.NewReportOptions(metadata.WithZookeeper(), metadata.WithAddress(addr), metadata.WithRegistryId("zk")).Init())
	require.NoError(t, metadata.NewOptions(metadata.WithAppName("theirs"), metadata.WithMetadataType("remote")).Init())
	url, err := common.NewURL("service-discovery-registry://"+addr, common.WithParamsValue("registry", "zookeeper"), common.WithParamsValue("registry.id", "zk"))
	require.NoError(t, err)
	theirs, err = extension.GetRegistry("service-discovery-registry", url)
	require.NoError(t, err)
	t.Cleanup(theirs.Destroy)
	return theirs, sm
}

func TestDubboGo(t *testing.T) {
	theirs, sm := world(t)
	ours := dubbo.NewRegistry(sm, dubbo.DubboGo())
	services := []dubbo.Service{{Interface: "org.demo.Orders", Protocol: "tri", Port: 50051, Params: map[string]string{"methods": "Get,Put", "timeout": "700"}}}
	in := naming.Instance{Service: "shop", Address: "127.0.0.7", Port: 20880}
	g, err := ours.Register(t.Context(), in, services)
	require.NoError(t, err)

	t.Run("a consumer of dubbo-go finds our application", func(t *testing.T) {
		seen := subscribe(t, theirs, "tri://127.0.0.1/org.demo.Orders?interface=org.demo.Orders&side=consumer&application=theirs")
		urls := <-seen
		require.Len(t, urls, 1)
		require.Equal(t, "tri 127.0.0.7:50051 /org.demo.Orders Get,Put 700",
			strings.Join([]string{urls[0].Protocol, urls[0].Location, urls[0].Path, strings.Join(urls[0].Methods, ","), urls[0].GetParam("timeout", "")}, " "))

		second := naming.Instance{Service: "shop", Address: "127.0.0.8", Port: 20880}
		g2, err := ours.Register(t.Context(), second, services)
		require.NoError(t, err)
		for urls = range seen {
			if len(urls) == 2 {
				break
			}
		}
		require.NoError(t, g2.Unregister(t.Context()))
		for urls = range seen {
			if len(urls) == 1 {
				break
			}
		}
		require.Equal(t, "127.0.0.7:50051", urls[0].Location)
	})

	t.Run("never: dubbo-go without its copy of the metadata", func(t *testing.T) {
		_, err := dubbo.NewRegistry(sm).Register(t.Context(), naming.Instance{Service: "bare", Address: "127.0.0.7", Port: 1},
			[]dubbo.Service{{Interface: "org.demo.Bare", Protocol: "tri"}})
		require.NoError(t, err)
		seen := subscribe(t, theirs, "tri://127.0.0.1/org.demo.Bare?interface=org.demo.Bare&side=consumer&application=theirs")
		select {
		case urls := <-seen: // Subscribe has returned: what it tells is here
			require.Empty(t, urls)
		default:
		}
	})

	t.Run("we find an application of dubbo-go", func(t *testing.T) {
		provider, err := common.NewURL("tri://127.0.0.9:20000/org.demo.Stock?interface=org.demo.Stock&side=provider&application=theirs&group=g&version=1.0.0&weight=300&timestamp=1700000000")
		require.NoError(t, err)
		provider.Methods = []string{"Count"}
		require.NoError(t, theirs.Register(provider))
		require.NoError(t, theirs.(interface{ RegisterService() error }).RegisterService())

		apps, err := ours.Applications(t.Context(), "org.demo.Stock")
		require.NoError(t, err)
		require.Equal(t, []string{"theirs"}, apps)
		s, err := ours.Instances().Open(t.Context(), "theirs")
		require.NoError(t, err)
		defer s.Close()
		require.Empty(t, s.View().Problems)
		all := s.Load()
		require.Len(t, all, 1)
		require.Equal(t, "127.0.0.9:20000 127.0.0.9:20000", all[0].ID+" "+all[0].HostPort())
		ports, err := dubbo.Ports(all[0])
		require.NoError(t, err)
		require.Equal(t, map[string]int{"tri": 20000}, ports)
		m, err := ours.Metadata(t.Context(), "theirs", dubbo.Revision(all[0]))
		require.NoError(t, err)
		require.Len(t, m.Services, 1)
		require.Equal(t, "g/org.demo.Stock:1.0.0:tri", m.Services[0].Key())
		require.Equal(t, "300", m.Services[0].Params["weight"])
	})

	t.Run("both serve one interface", func(t *testing.T) {
		provider, err := common.NewURL("tri://127.0.0.9:20000/org.demo.Orders?interface=org.demo.Orders&side=provider&application=theirs")
		require.NoError(t, err)
		require.NoError(t, theirs.Register(provider))
		apps, err := ours.Applications(t.Context(), "org.demo.Orders")
		require.NoError(t, err)
		require.Equal(t, []string{"shop", "theirs"}, apps)
	})
	require.NoError(t, g.Unregister(t.Context()))
}

// notified sends what a consumer of dubbo-go is told.
type notified chan []*common.URL

func (n notified) Notify(e *registry.ServiceEvent) { n <- []*common.URL{e.Service} }

func (n notified) NotifyAll(events []*registry.ServiceEvent, after func()) {
	var urls []*common.URL
	for _, e := range events {
		urls = append(urls, e.Service)
	}
	n <- urls
	after()
}

func subscribe(t *testing.T, r registry.Registry, consumer string) notified {
	url, err := common.NewURL(consumer)
	require.NoError(t, err)
	seen := make(notified, 64)
	require.NoError(t, r.Subscribe(url, seen))
	return seen
}
