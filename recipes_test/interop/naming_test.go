//go:build unix

package interop

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
)

// payloads are the kinds of payload that the Java program registers, in the
// form of an Instance.
var payloads = map[string]naming.Instance{
	"none":    {},
	"text":    {Payload: json.RawMessage(`"hello"`)},
	"number":  {Payload: json.RawMessage(`["java.lang.Long",7]`)},
	"list":    {Payload: json.RawMessage(`["java.util.ArrayList",["a","b"]]`)},
	"map":     {Payload: json.RawMessage(`{"@class":"java.util.LinkedHashMap","zone":"b","weight":3}`)},
	"strings": {Weight: 3, Metadata: map[string]string{"zone": "a"}},
	"bean":    {Payload: json.RawMessage(`{"@class":"Services$Details","zone":"c","weight":5}`)},
}

// The service discovery of naming and of Curator.
func TestServiceDiscovery(t *testing.T) {
	w := inWorld(t)
	java := w.curator()
	const address, port = "10.0.0.1", 8080
	registry := func(sm *session.Manager, base string) *naming.Registry {
		return naming.NewRegistry(sm, naming.Base(base))
	}
	watch := func(w *world, r *naming.Registry, service string) *naming.Service {
		s, err := r.Open(w.within(patience), service, naming.ProtectEmpty(0))
		require.NoError(w, err)
		w.Cleanup(func() { _ = s.Close() })
		return s
	}
	find := func(s *naming.Service, id string) (naming.Instance, bool) {
		all := s.Load()
		i := slices.IndexFunc(all, func(in naming.Instance) bool { return in.ID == id })
		if i < 0 {
			return naming.Instance{}, false
		}
		return all[i], true
	}
	// theirs returns the lines of Java's list.
	theirs := func(list string) []string {
		if list == "" {
			return nil
		}
		return strings.Split(list, " | ")
	}

	// Instances that Curator registers are read field by field. Instances that
	// Docent registers with the same fields are equal for a Java reader.
	w.part("payloads", func(w *world) {
		const base = "/services/payloads"
		a := java.As(w).Actor("a")
		r := registry(w.docent(), base)
		s := watch(w, r, "orders")
		spec, err := naming.ParseURISpec("{scheme}://{address}:{port}")
		require.NoError(w, err)
		for kind, payload := range payloads {
			a.Do("service.register", base, "orders", "x "+kind, address, port, kind, "DYNAMIC", true)
			var read naming.Instance
			w.settles(kind+" is read", func() (ok bool) {
				read, ok = find(s, "x "+kind)
				return ok
			})
			payload.Service, payload.ID, payload.Address, payload.Port, payload.URISpec = "orders", "x "+kind, address, port, spec
			payload.Registered = read.Registered
			require.True(w, read.Equal(payload), "%+v\n%+v", read, payload)
			require.Equal(w, "http://10.0.0.1:8080", read.URI())

			payload.ID = "y " + kind
			_, err := r.Register(w.within(patience), payload)
			require.NoError(w, err)
			lines := func(line string) bool { return !strings.Contains(line, " "+kind+" ") }
			w.settles("both are listed", func() bool {
				return len(slices.DeleteFunc(theirs(a.Do("service.list", base, "orders")), lines)) == 2
			})
			pair := slices.DeleteFunc(theirs(a.Do("service.list", base, "orders")), lines)
			require.Equal(w, strings.Replace(pair[0], "x ", "y ", 1), pair[1])
			old := slices.DeleteFunc(theirs(a.Do("service.oldlist", base, "orders")), lines)
			require.Equal(w, pair, old, "in the compatible mode")
		}
		require.Empty(w, s.View().Problems)
		require.Equal(w, "orders", a.Do("service.names", base))
		names, err := r.Services(w.within(patience))
		require.NoError(w, err)
		require.Equal(w, []string{"orders"}, names)
	})

	w.part("enabled", func(w *world) {
		const base = "/services/enabled"
		a := java.As(w).Actor("a")
		r := registry(w.docent(), base)
		s := watch(w, r, "orders")
		a.Do("service.register", base, "orders", "java on", address, port, "none", "DYNAMIC", true)
		a.Do("service.register", base, "orders", "java off", address, port, "none", "DYNAMIC", false)
		a.Do("service.oldregister", base, "orders", "old off", address, port, "none", "DYNAMIC", false)
		ours := naming.Instance{Service: "orders", Address: address, Port: port}
		ours.ID = "docent on"
		_, err := r.Register(w.within(patience), ours)
		require.NoError(w, err)
		ours.ID, ours.Disabled = "docent off", true
		_, err = r.Register(w.within(patience), ours)
		require.NoError(w, err)
		w.settles("all are read", func() bool { return len(s.Load()) == 5 })
		disabled := make(map[string]bool)
		for _, in := range s.Load() {
			disabled[in.ID] = in.Disabled
		}
		require.Equal(w, map[string]bool{
			"java on": false, "java off": true, "docent on": false, "docent off": true,
			"old off": false, // the compatible mode does not write it
		}, disabled)
		w.settles("Curator reads ours", func() bool {
			list := a.Do("service.list", base, "orders")
			return strings.Contains(list, "docent off 10.0.0.1:8080 DYNAMIC enabled=false") &&
				strings.Contains(list, "docent on 10.0.0.1:8080 DYNAMIC enabled=true")
		})
	})

	w.part("types", func(w *world) {
		const base = "/services/types"
		doomed := w.curator()
		sm, kill := w.doomed()
		dying := registry(sm, base)
		r := registry(w.docent(), base)
		s := watch(w, r, "orders")
		for _, kind := range []naming.ServiceType{naming.Dynamic, naming.DynamicSequential, naming.Static, naming.Permanent} {
			doomed.Actor("a").Do("service.register", base, "orders", fmt.Sprint("java ", kind), address, port, "none", kind, true)
			in := naming.Instance{Service: "orders", ID: fmt.Sprint("docent ", kind), Address: address, Port: port, Type: kind}
			_, err := dying.Register(w.within(patience), in)
			require.NoError(w, err)
		}
		w.settles("all are read", func() bool { return len(s.Load()) == 8 })
		for _, in := range s.Load() {
			_, number, ok := strings.Cut(in.ID, " "+in.Type.String())
			require.True(w, ok, in.ID)
			if in.Type == naming.DynamicSequential {
				require.Len(w, number, 10, "the number that the server appends")
			} else {
				require.Empty(w, number)
			}
		}
		kinds := func(who string) (lines []string) {
			for _, line := range theirs(java.As(w).Actor("a").Do("service.list", base, "orders")) {
				if rest, ok := strings.CutPrefix(line, who); ok {
					lines = append(lines, rest)
				}
			}
			return lines
		}
		w.settles("Curator lists all", func() bool { return len(kinds("docent ")) == 4 })
		require.Equal(w, kinds("java "), kinds("docent "))

		// Of the killed processes' instances, the dynamic ones disappear, and
		// the others stay.
		kill()
		doomed.Kill()
		w.settles("the dynamic ones go", func() bool { return len(s.Load()) == 4 })
		for _, in := range s.Load() {
			require.Contains(w, []naming.ServiceType{naming.Static, naming.Permanent}, in.Type)
		}
		w.settles("for Curator too", func() bool { return len(kinds("docent ")) == 2 && len(kinds("java ")) == 2 })
	})

	// A ServiceCache in Java follows Docent's instances, and Docent follows
	// those in Java.
	w.part("watched", func(w *world) {
		const base = "/services/watched"
		a := java.As(w).Actor("a")
		r := registry(w.docent(), base)
		s := watch(w, r, "orders")
		// The cache watches only the directory's children: the directory must
		// exist.
		a.Do("service.register", base, "orders", "java", address, port, "none", "DYNAMIC", true)
		a.Do("service.watch", base, "orders")
		cached := func(what string, lines ...string) {
			w.settles(what, func() bool {
				return slices.Equal(lines, theirs(a.Do("service.watched", base, "orders")))
			})
		}
		const first = "java 10.0.0.1:8080 DYNAMIC enabled=true payload=null"
		cached("Curator sees its own", first)
		g, err := r.Register(w.within(patience), naming.Instance{Service: "orders", ID: "docent", Address: "10.0.0.2", Port: 9090})
		require.NoError(w, err)
		cached("ours comes", "docent 10.0.0.2:9090 DYNAMIC enabled=true payload=null", first)
		in := g.Instance()
		in.Metadata, in.Port = map[string]string{"zone": "b"}, 9091
		require.NoError(w, g.Update(w.within(patience), in))
		cached("ours changes", "docent 10.0.0.2:9091 DYNAMIC enabled=true payload={zone=b}", first)
		require.NoError(w, g.Unregister(w.within(patience)))
		cached("ours goes", first)
		sm, kill := w.doomed()
		_, err = registry(sm, base).Register(w.within(patience), naming.Instance{Service: "orders", ID: "docent", Address: "10.0.0.3"})
		require.NoError(w, err)
		cached("another comes", "docent 10.0.0.3:null DYNAMIC enabled=true payload=null", first)
		kill()
		cached("it has expired", first)

		w.settles("we see Curator's", func() bool { _, ok := find(s, "java"); return ok })
		a.Do("service.change", base, "orders", "java", "strings")
		w.settles("it changes", func() bool {
			in, ok := find(s, "java")
			return ok && in.Weight == 3 && in.Metadata["zone"] == "a"
		})
		a.Do("service.unregister", base, "orders", "java")
		w.settles("it goes", func() bool { return len(s.Load()) == 0 })
		doomed := w.curator()
		doomed.Actor("a").Do("service.register", base, "orders", "doomed", address, port, "none", "DYNAMIC", true)
		w.settles("another comes", func() bool { return len(s.Load()) == 1 })
		doomed.Kill()
		w.settles("it has expired", func() bool { return len(s.Load()) == 0 })
		a.Do("service.unwatch", base, "orders")
	})

	// An operator marks a Java instance as draining. The mark reaches its
	// payload, and a Java reader.
	w.part("draining", func(w *world) {
		const base = "/services/draining"
		a := java.As(w).Actor("a")
		r := registry(w.docent(), base)
		a.Do("service.register", base, "orders", "strings", address, port, "strings", "DYNAMIC", true)
		a.Do("service.register", base, "orders", "bean", address, port, "bean", "DYNAMIC", true)
		require.NoError(w, r.SetDraining(w.within(patience), "orders", "strings", true))
		require.NoError(w, r.SetDraining(w.within(patience), "orders", "bean", true))
		for _, in := range watch(w, r, "orders").Load() {
			require.True(w, in.Draining, in.ID)
		}
		w.settles("Curator reads both", func() bool {
			list := a.Do("service.list", base, "orders")
			return strings.Contains(list, "draining=true") && strings.Contains(list, "payload=Details(c,5)")
		})
	})

	// The other side can remove a static instance, if it knows the id.
	w.part("unregistered by the other", func(w *world) {
		const base = "/services/removed"
		a := java.As(w).Actor("a")
		r := registry(w.docent(), base)
		s := watch(w, r, "orders")
		a.Do("service.register", base, "orders", "one", address, port, "text", "STATIC", true)
		g, err := r.Register(w.within(patience), naming.Instance{Service: "orders", ID: "one", Address: address, Port: port, Type: naming.Static})
		require.NoError(w, err, "the same address: the instance is taken over")
		require.NoError(w, g.Unregister(w.within(patience)))
		w.settles("it has gone", func() bool { return a.Do("service.list", base, "orders") == "" })

		_, err = r.Register(w.within(patience), naming.Instance{Service: "orders", ID: "two", Address: address, Port: port, Type: naming.Static})
		require.NoError(w, err)
		a.Do("service.register", base, "orders", "two", address, port, "text", "STATIC", true)
		a.Do("service.unregister", base, "orders", "two")
		w.settles("it has gone", func() bool { return len(s.Load()) == 0 })
	})

	// Uses that must not share the path. If one of these fails, the table in
	// docs/interop.md is out of date.

	// Curator does not unregister instances that it has not registered itself,
	// and reports no error.
	w.part("never: Curator removes ours", func(w *world) {
		const base = "/services/kept"
		a := java.As(w).Actor("a")
		r := registry(w.docent(), base)
		_, err := r.Register(w.within(patience), naming.Instance{Service: "orders", ID: "one", Address: address, Port: port, Type: naming.Static})
		require.NoError(w, err)
		w.settles("Curator sees it", func() bool { return a.Do("service.list", base, "orders") != "" })
		a.Do("service.remove", base, "orders", "one")
		require.NotEmpty(w, a.Do("service.list", base, "orders"))
		require.Len(w, watch(w, r, "orders").Load(), 1)
	})

	// Under an id of Docent's, Curator deletes Docent's node and creates its
	// own.
	w.part("never: an id of ours", func(w *world) {
		const base = "/services/twice"
		a := java.As(w).Actor("a")
		r := registry(w.docent(), base)
		g, err := r.Register(w.within(patience), naming.Instance{Service: "orders", ID: "one", Address: "10.0.0.9"})
		require.NoError(w, err)
		// Curator tries twice. If Docent has made its node again before both
		// tries, Curator deletes it, gives up and reports no error.
		w.settles("we are out, and Curator is in", func() bool {
			if g.State().In {
				a.Do("service.register", base, "orders", "one", address, port, "none", "DYNAMIC", true)
			}
			return errors.Is(g.State().Err, session.ErrReplaced) && strings.Contains(a.Do("service.list", base, "orders"), address)
		})
		_, err = registry(w.docent(), base).Register(w.within(patience), naming.Instance{Service: "orders", ID: "one"}, naming.Refuse())
		require.ErrorIs(w, err, session.ErrIDTaken)
		a.Do("service.unregister", base, "orders", "one")
		w.settles("we are back", func() bool { return g.State().In })
	})
}
