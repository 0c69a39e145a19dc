package inspect

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/naming/dubbo"
)

// What naming/dubbo writes is recognised.
func TestRead_dubboRecords(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		_, err := dubbo.NewRegistry(p.Manager, dubbo.DubboGo()).Register(w.Context(),
			naming.Instance{Service: "shop", ID: "shop-1", Address: "10.0.0.1", Port: 20880},
			[]dubbo.Service{{Interface: "org.demo.Orders", Protocol: "tri"}, {Interface: "org.demo.Users", Protocol: "tri"}})
		require.NoError(w, err)
		r := report(w, p, "/dubbo")
		var notes []string
		for _, f := range r.Findings {
			require.IsType(w, new(Plain), f)
			notes = append(notes, f.Head().Notes...)
		}
		const mapping, metadata = "Dubbo's mapping: shop serves the interface", "Dubbo's metadata of shop, with 2 services"
		require.ElementsMatch(w, []string{mapping, mapping, metadata, metadata}, notes)
	})
}

// Records that look like Dubbo's are recognised, and no others.
func TestRead_dubboRecordsByHand(t *testing.T) {
	const revision = "0123456789abcdef0123456789abcdef"
	one := `{"app":"shop","revision":"` + revision + `","services":{"org.demo.Orders:tri":{"name":"org.demo.Orders"}}}`
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		notes := map[string]string{}
		for path, c := range map[string]struct{ data, note string }{
			"/dubbo/mapping/org.demo.Orders":           {"shop,billing", "Dubbo's mapping: shop, billing serves the interface"},
			"/meta/mapping/org.demo.Orders":            {"shop", "Dubbo's mapping: shop serves the interface"},
			"/meta/metadata/shop/" + revision:          {one, "Dubbo's metadata of shop, with one service"},
			"/dubbo/shop/" + revision:                  {one, "Dubbo's metadata of shop, with one service"},
			"/dubbo/metadata/shop/0" + revision[1:]:    {strings.Repeat("x", maxData+1), "Dubbo's metadata of shop"},
			"/dubbo/mapping/orders":                    {"shop", ""},
			"/dubbo/mapping/org.demo.Users":            {`{"a":1}`, ""},
			"/other/mapping/org.demo.Orders":           {"shop", ""},
			"/dubbo/config/dubbo/dubbo.properties":     {"dubbo.registry.address=zk", ""},
			"/app/shop/" + strings.Repeat("a", 32):     {one, ""},
			"/app/metadata/shop/" + revision + ".json": {one, ""},
		} {
			w.Put(path, c.data)
			notes[path] = c.note
		}
		r := report(w, p, "/")
		for path, note := range notes {
			if note == "" {
				at[*ConfigKey](w, r, path)
				continue
			}
			f := at[*Plain](w, r, path)
			require.Equal(w, []Layout{Dubbo}, f.Layouts)
			require.Equal(w, []string{note}, f.Notes, path)
		}
		// The same without the znodes above.
		f := at[*Plain](w, report(w, p, "/dubbo/mapping/org.demo.Orders"), "/dubbo/mapping/org.demo.Orders")
		require.Equal(w, []Layout{Dubbo}, f.Layouts)
	})
}
