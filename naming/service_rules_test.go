package naming_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

const dubboOrders = "/dubbo/org.demo.Orders"

func dubboName(text string) string { return url.QueryEscape(text) }

// provider puts the znode of a provider of Dubbo's.
func provider(w *testworld.World, address, params string) {
	w.Put(dubboOrders+"/providers/"+dubboName("dubbo://"+address+"/org.demo.Orders?interface=org.demo.Orders&side=provider"+params), "")
}

// ruleOf puts a rule, and returns a function that removes it.
func ruleOf(w *testworld.World, text string) (remove func()) {
	path := dubboOrders + "/configurators/" + dubboName(text)
	w.Put(path, "")
	return func() { w.Remove(path) }
}

// shownBy waits until all is quiet, and prints the instances of a service.
func shownBy(s *naming.Service) string {
	settled(s)
	var all []string
	for _, in := range s.Load() {
		text := fmt.Sprintf("%s:%d=%d", in.Address, in.Port, in.Weight)
		if in.Disabled {
			text += " disabled"
		}
		if in.Draining {
			text += " draining"
		}
		if v := in.Metadata["timeout"]; v != "" {
			text += " timeout " + v
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func openDubbo(w *testworld.World, p *testworld.Process) *naming.Service {
	w.Helper()
	s, err := registry(p, naming.Layout(naming.Dubbo())).Open(w.Context(), "org.demo.Orders")
	require.NoError(w, err)
	w.Cleanup(func() { _ = s.Close() })
	return s
}

// Rules that are in the tree before the service is opened, and rules that come,
// go and apply to providers that come later.
func TestOverrides_followed(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		provider(w, "10.0.0.1:20880", "&weight=0")
		provider(w, "10.0.0.2:20880", "&timeout=100")
		remove := ruleOf(w, "override://0.0.0.0/org.demo.Orders?category=configurators&dynamic=false&weight=50&timeout=900")
		p := w.Process()
		s := openDubbo(w, p)
		require.Equal(w, "10.0.0.1:20880=50 timeout 900, 10.0.0.2:20880=50 timeout 900", shownBy(s))
		require.Empty(w, s.View().Problems)
		o := observe(w, s)
		o.take()

		again := ruleOf(w, "override://10.0.0.2:20880/org.demo.Orders?category=configurators&disabled=true")
		require.Equal(w, "10.0.0.1:20880=50 timeout 900, 10.0.0.2:20880=50 disabled timeout 900", shownBy(s))
		require.Regexp(w, `^\[~\S+\]$`, o.take(), "one instance has changed")
		provider(w, "10.0.0.3:20880", "")
		require.Equal(w, "10.0.0.1:20880=50 timeout 900, 10.0.0.2:20880=50 disabled timeout 900, 10.0.0.3:20880=50 timeout 900", shownBy(s))
		remove()
		require.Equal(w, "10.0.0.1:20880=100 draining, 10.0.0.2:20880=100 disabled timeout 100, 10.0.0.3:20880=100", shownBy(s))
		p.Expire()
		again()
		time.Sleep(time.Minute)
		require.Equal(w, "10.0.0.1:20880=100 draining, 10.0.0.2:20880=100 timeout 100, 10.0.0.3:20880=100", shownBy(s))
	})
}

// Each rule alone, on one provider of 10.0.0.1:20880 with the weight 70.
func TestOverrides(t *testing.T) {
	const plain, applied = "10.0.0.1:20880=70", "10.0.0.1:20880=5"
	const params = "?category=configurators&weight=5"
	for rule, want := range map[string]string{
		"override://0.0.0.0/org.demo.Orders" + params:                                                   applied,
		"override://0.0.0.0/*" + params:                                                                 applied,
		"override://0.0.0.0/x" + params + "&interface=org.demo.Orders":                                  applied,
		"override://0.0.0.0/org.demo.Orders" + params + "&side=consumer&configVersion=v2.7":             applied,
		"override://0.0.0.0:20880/org.demo.Orders" + params:                                             applied,
		"override://10.0.0.1:20880/org.demo.Orders" + params + "&application=*&priority=3&anyhost=true": applied,
		"override://0.0.0.0/org.demo.Orders" + params + "&providerAddresses=10.0.0.9,10.0.0.1:20880":    applied,
		"override://0.0.0.0/org.demo.Orders" + params + "&providerAddresses=0.0.0.0:*":                  applied,
		"override://0.0.0.0/org.demo.Orders?category=configurators&disabled=true":                       plain + " disabled",
		"override://0.0.0.0/org.demo.Orders?category=configurators&weight=0":                            "10.0.0.1:20880=100 draining",
		"absent://0.0.0.0/org.demo.Orders" + params + "&timeout=8":                                      plain + " timeout 8",
		"override://0.0.0.0/org.demo.Orders" + params + "&enabled=false":                                plain,
		"override://0.0.0.0/org.demo.Orders?weight=5":                                                   plain,
		"override://0.0.0.0/org.demo.Orders" + params + "&side=provider":                                plain,
		"override://0.0.0.0/org.demo.Orders" + params + "&configVersion=v2.7":                           plain,
		"override://0.0.0.0/org.demo.Orders" + params + "&group=g":                                      plain,
		"override://0.0.0.0/org.demo.Other" + params:                                                    plain,
		"override://10.0.0.2:20880/org.demo.Orders" + params:                                            plain,
		"override://10.0.0.1:20881/org.demo.Orders" + params:                                            plain,
		"override://0.0.0.0/org.demo.Orders" + params + "&providerAddresses=10.0.0.9":                   plain,
		"override://10.0.0.1/org.demo.Orders" + params:                                                  plain + "! it is for the consumers of one host",
		"override://10.0.0.1:20880/org.demo.Orders" + params + "&side=consumer&configVersion=v2.7":      plain + "! it is for the consumers of one host",
		"override://foo@0.0.0.0/org.demo.Orders" + params:                                               plain + "! it is for the consumers of one application",
		"override://0.0.0.0/org.demo.Orders" + params + "&application=foo":                              plain + "! it is for the consumers of one application",
		"override://0.0.0.0/org.demo.Orders" + params + "&~timeout=8":                                   plain + "! it has a condition that begins with ~",
		"route://0.0.0.0/org.demo.Orders" + params:                                                      plain + `! it is of the kind "route"`,
		"override:/" + params: plain + "! its URL has no protocol",
		"override://foo:secret@0.0.0.0/org.demo.Orders?category=configurators&weight=5&application=secret": plain + "! it is for the consumers of one application",
	} {
		testworld.Run(t, func(w *testworld.World) {
			provider(w, "10.0.0.1:20880", "&weight=70")
			ruleOf(w, rule)
			s := openDubbo(w, w.Process())
			got := shownBy(s)
			want, reason, refused := strings.Cut(want, "! ")
			require.Equal(w, want, got, rule)
			problems := s.View().Problems
			if !refused {
				require.Empty(w, problems, rule)
				return
			}
			require.Len(w, problems, 1, rule)
			var bad *naming.OverrideError
			require.ErrorAs(w, problems[0], &bad)
			require.Equal(w, dubboOrders+"/configurators/"+dubboName(rule), bad.Path)
			require.ErrorContains(w, bad, reason)
			require.ErrorContains(w, bad, `service "org.demo.Orders": the rule /dubbo/org.demo.Orders/configurators/`)
			require.NotContains(w, strings.Replace(bad.Error(), "application%3Dsecret", "", 1), "secret")
		})
	}
}

// Later rules win: first those for all hosts, and then by the priority.
func TestOverrides_order(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		provider(w, "10.0.0.1:20880", "")
		ruleOf(w, "override://10.0.0.1:20880/org.demo.Orders?category=configurators&weight=1")
		ruleOf(w, "override://0.0.0.0/org.demo.Orders?category=configurators&weight=3&priority=9&timeout=1")
		ruleOf(w, "override://0.0.0.0/org.demo.Orders?category=configurators&weight=2&priority=10&timeout=2")
		require.Equal(w, "10.0.0.1:20880=1 timeout 2", shownBy(openDubbo(w, w.Process())))
	})
}

// Rules in YAML are named, for the service and for no other.
func TestOverrides_yaml(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const rule = "configVersion: v3.0\nscope: service\nkey: org.demo.Orders\nconfigs:\n  - side: consumer\n    parameters:\n      weight: 5\n"
		for _, key := range []string{"org.demo.Orders::", "org.demo.Orders", "org.demo.Orders2::", "shop"} {
			w.Put("/dubbo/config/dubbo/"+key+".configurators", rule)
		}
		w.Put("/dubbo/config/dubbo/org.demo.Orders.condition-router", rule)
		p := w.Process()
		s := openDubbo(w, p)
		settled(s)
		require.Len(w, s.View().Problems, 2)
		require.EqualError(w, s.View().Problems[1], `service "org.demo.Orders": the rule /dubbo/config/dubbo/org.demo.Orders::.configurators is not applied: `+
			`rules in YAML are not read here; providers of Dubbo apply those with side: provider themselves`)
		o := observe(w, s)
		require.Equal(w, "[]EE", strings.ReplaceAll(o.take(), " ", ""))
		ruleOf(w, "override://10.0.0.1/org.demo.Orders?category=configurators&weight=5")
		require.Equal(w, "E", o.take(), "the others are known")
		w.Remove("/dubbo/config/dubbo/org.demo.Orders::.configurators")
		settled(s)
		require.Len(w, s.View().Problems, 2)

		app, err := registry(p, naming.Layout(naming.DubboApplication())).Open(w.Context(), "shop")
		require.NoError(w, err)
		defer app.Close()
		var bad *naming.OverrideError
		require.Len(w, app.View().Problems, 1)
		require.ErrorAs(w, app.View().Problems[0], &bad)
		require.Equal(w, "/dubbo/config/dubbo/shop.configurators", bad.Path)
	})
}

// The directories of Dubbo 3 beside the interfaces are not interfaces.
func TestServices_ofDubbo(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		for _, path := range []string{"config/dubbo/x", "mapping/org.demo.Orders", "metadata/shop/1"} {
			w.Put("/dubbo/"+path, "")
		}
		provider(w, "10.0.0.1:20880", "")
		names, err := registry(w.Process(), naming.Layout(naming.Dubbo())).Services(w.Context())
		require.NoError(w, err)
		require.Equal(w, []string{"org.demo.Orders"}, names)
	})
}

// A directory that is filled with rules costs no more than its limit.
func TestOverrides_limit(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		provider(w, "10.0.0.1:20880", "")
		for i := range 1001 {
			ruleOf(w, fmt.Sprintf("override://0.0.0.0/org.demo.Orders?category=configurators&weight=5&x=%04d", i))
		}
		s := openDubbo(w, w.Process())
		require.Equal(w, "10.0.0.1:20880=5", shownBy(s))
		require.Len(w, s.View().Problems, 1)
		require.ErrorIs(w, s.View().Problems[0], session.ErrLeftOut)
	})
}

// Rules that may not be read are a problem, and the instances are shown as they
// are.
func TestOverrides_hidden(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		provider(w, "10.0.0.1:20880", "")
		undo := w.Fail(zktest.OpGetChildren2, dubboOrders+"/configurators", zktest.CodeNoAuth)
		defer undo()
		ruleOf(w, "override://0.0.0.0/org.demo.Orders?category=configurators&weight=5")
		s := openDubbo(w, w.Process())
		require.Equal(w, "10.0.0.1:20880=100", shownBy(s))
		require.Len(w, s.View().Problems, 1)
		require.ErrorIs(w, s.View().Problems[0], session.ErrNoAuth)
		require.ErrorContains(w, s.View().Problems[0], `rules for service "org.demo.Orders"`)
		require.False(w, s.View().Stale)
	})
}
