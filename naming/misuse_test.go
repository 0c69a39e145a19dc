package naming_test

import (
	"testing"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
)

func TestFault59_Misuse(t *testing.T) {
	list := naming.NewList[naming.Instance]()
	testworld.Misuse(t,
		naming.NewRegistry, naming.NewWorkers, naming.NewNames, naming.NewList[string], naming.NewView,
		naming.NewBalancer, naming.NewBalancerOf[string],
		naming.MarshalPayload, naming.UnmarshalPayload, naming.PayloadClass, naming.SaveCache, naming.LoadCache,
		naming.DownAfter, naming.Curator, naming.Spring, naming.Dubbo, naming.DubboApplication, naming.CuratorEnabled, naming.DubboCategory,
		naming.DubboProtocol, naming.Base, naming.Refuse, naming.Replace, naming.Layout,
		naming.CacheFile, naming.Limit, naming.MaxBytes, naming.Pause, naming.ProtectEmpty, naming.Filter,
		naming.ParseServiceType, naming.ParseStrategy, naming.ParseURISpec,
		naming.Hash, naming.BoundedLoad, naming.StickyKeys, naming.LeastPending, naming.Random, naming.RoundRobin, naming.Sticky, naming.Weighted,
		new(naming.Registry), naming.NewRegistry(nil), new(naming.Registration), new(naming.Service),
		new(naming.Workers), naming.NewWorkers(nil, "/a", 1), new(naming.WorkerID),
		new(naming.View), new(naming.Names), naming.NewNames(nil, "/a", "a"), new(naming.List[string]), naming.NewList[string](),
		new(naming.Balancer[string]), naming.NewBalancer(list, naming.RoundRobin()), new(naming.Picked[string]), new(naming.Strategy),
		new(naming.Instance), new(naming.URISpec), new(naming.ServiceType), new(naming.EventKind),
		new(naming.AddressRules), new(naming.CacheError), new(naming.MalformedError), new(naming.OverrideError),
	)
}
