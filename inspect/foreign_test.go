package inspect

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// Nodes as other libraries write them, by hand.

// put creates an ephemeral node, and those above it as containers.
func put(w *testworld.World, p *testworld.Process, path, data string) {
	w.Helper()
	dir, _ := znode.Split(path)
	require.NoError(w, p.EnsureDir(w.Context(), dir))
	_, err := p.Create(w.Context(), path, []byte(data), session.Ephemeral)
	require.NoError(w, err)
}

func hex32(i int) string { return fmt.Sprintf("%032x", i+0xabc) }

func curatorName(i int, tag string, seq int) string {
	return znode.Protected(fmt.Sprintf("00000000-1111-4222-8333-%012x", i), fmt.Sprintf("%s%010d", tag, seq))
}

func TestRead_curatorMutex(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		put(w, a, "/m/"+curatorName(1, "lock-", 7), "10.0.0.1")
		put(w, a, "/m/"+curatorName(2, "lock-", 6), "10.0.0.2")
		put(w, a, "/m/_c_"+hex32(3)+"-lock-0000000008", "")
		w.Put("/m/strange", "x")
		r := report(w, a, "/m")
		require.Equal(t, []string{"lock /m", "config /m/strange"}, kinds(r))
		f := at[*Lock](w, r, "/m")
		require.Equal(t, []Layout{Curator, GoZooKeeper}, f.Layouts)
		require.Equal(t, "10.0.0.2", f.Holder.ID)
		require.Equal(t, []string{"10.0.0.1", ""}, ids(f.Waiters))
		require.False(t, f.MayBeElection, "an address is what a mutex holds")
		require.Equal(t, 1, f.Unrecognised)
	})
}

func TestRead_orderOverTheWrap(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		for i, seq := range []string{"2147483646", "2147483647", "-2147483648", "-2147483647"} {
			put(w, a, "/m/"+znode.Protected(znode.NewGUID(), "lock-"+seq), fmt.Sprint("10.0.0.", i))
		}
		f := at[*Lock](w, report(w, a, "/m"), "/m")
		require.Equal(t, "10.0.0.0", f.Holder.ID)
		require.Equal(t, []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"}, ids(f.Waiters))
	})
}

func TestRead_curatorsOthers(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		put(w, a, "/rw/"+curatorName(1, curatorRead, 0), "10.0.0.1")
		put(w, a, "/rw/"+curatorName(2, curatorWrite, 1), "10.0.0.2")
		put(w, a, "/latch/"+curatorName(1, "latch-", 0), "")
		put(w, a, "/latch/"+curatorName(2, "latch-", 1), "number two")
		put(w, a, "/selector/"+curatorName(1, "lock-", 1), "number two")
		// A holds the permit; b is first in line, and has made its lease.
		put(w, a, "/sem/leases/"+curatorName(1, "lease-", 0), "10.0.0.1")
		put(w, b, "/sem/leases/"+curatorName(2, "lease-", 1), "10.0.0.2")
		put(w, b, "/sem/locks/"+curatorName(3, "lock-", 4), "10.0.0.2")
		put(w, a, "/double/00000000-1111-4222-8333-000000000001", "10.0.0.1")
		put(w, a, "/group/m1", "10.0.0.1")
		w.Put("/dq/queue-0000000004", "\x00\x01\x00\x01\x01\x00\x00\x00\x02ab\x02")
		w.Put("/dq/queue-0000000003", "\x00\x01\x00\x01\x01\x00\x00\x00\x02ab\x02")
		w.Put("/idq/queue-|some_id|0000000003", "x")
		w.Put("/simple/qn-0000000001", "raw")
		w.Put("/long", "\x00\x00\x00\x00\x00\x00\x01\x02")
		r := report(w, a, "/")
		require.Equal(t, []string{
			"plain /", "double-barrier /double", "queue /dq", "group /group", "queue /idq", "election /latch", "counter /long",
			"rwlock /rw", "lock /selector", "semaphore /sem", "queue /simple",
		}, kinds(r))
		rw := at[*RWLock](w, r, "/rw")
		require.Equal(t, []string{"10.0.0.1"}, ids(rw.Holders))
		require.Equal(t, ModeWrite, rw.Waiters[0].Mode)
		require.Equal(t, []string{"number two"}, ids(at[*Election](w, r, "/latch").Candidates))
		require.True(t, at[*Lock](w, r, "/selector").MayBeElection)
		sem := at[*Semaphore](w, r, "/sem")
		require.Equal(t, []string{"10.0.0.1"}, ids(sem.Holders))
		require.Equal(t, []string{"10.0.0.2"}, ids(sem.Waiters))
		require.Equal(t, 1, sem.Used)
		q := at[*Queue](w, r, "/dq")
		require.Equal(t, 2, q.Length)
		require.Equal(t, "/dq/queue-0000000003", q.Oldest.Path)
		require.Equal(t, []Layout{Curator}, q.Layouts)
		require.Equal(t, []Layout{Generic}, at[*Queue](w, r, "/simple").Layouts)
		require.Equal(t, int64(258), at[*Counter](w, r, "/long").Value)
		require.Equal(t, []Layout{Curator}, at[*Double](w, r, "/double").Layouts)
	})
}

func TestRead_kazoo(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		for i := range 2 {
			put(w, a, fmt.Sprintf("/lock/%s__lock__%010d", hex32(i), i), fmt.Sprint("client ", i))
			put(w, a, fmt.Sprintf("/party/%s__party__", hex32(i)), fmt.Sprint("host-", i))
			put(w, a, "/sem/"+hex32(i), fmt.Sprint("client ", i))
			put(w, a, fmt.Sprintf("/part/party/%s-host-%d", hex32(i), i), fmt.Sprint("host-", i))
			put(w, a, fmt.Sprintf("/part/locks/%d/%s__lock__0000000000", i, hex32(i)), fmt.Sprint("host-", i))
			put(w, a, "/double/"+hex32(i), fmt.Sprint("host-", i))
		}
		put(w, a, fmt.Sprintf("/rw/%s__rlock__%010d", hex32(1), 1), "reader")
		put(w, a, fmt.Sprintf("/rw/%s__lock__%010d", hex32(2), 2), "writer")
		put(w, a, "/sem-__lock__/"+hex32(4)+"__lock__0000000009", "client 4")
		w.Put("/sem", "2")
		w.Put("/double/ready", "")
		w.Put("/lq/entries/entry-100-0000000000", "x")
		w.Put("/lq/entries/entry-050-0000000001", "x")
		put(w, a, "/lq/taken/entry-050-0000000001", hex32(9))
		w.Put("/q/entry-100-0000000003", "x")
		r := report(w, a, "/")
		require.Equal(t, []string{
			"plain /", "double-barrier /double", "lock /lock", "queue /lq", "partitioner /part", "group /party", "queue /q", "rwlock /rw",
			"semaphore /sem",
		}, kinds(r))
		l := at[*Lock](w, r, "/lock")
		require.Equal(t, "client 0", l.Holder.ID)
		require.Equal(t, []string{"client 1"}, ids(l.Waiters))
		require.Equal(t, []Layout{Kazoo}, l.Layouts)
		require.True(t, l.MayBeElection)
		rw := at[*RWLock](w, r, "/rw")
		require.Equal(t, []string{"reader"}, ids(rw.Holders))
		require.Equal(t, []string{"writer"}, ids(rw.Waiters))
		sem := at[*Semaphore](w, r, "/sem")
		require.Equal(t, 2, sem.Limit)
		require.Equal(t, 2, sem.Used)
		require.Equal(t, []string{"client 4"}, ids(sem.Waiters))
		require.Equal(t, []string{"host-0", "host-1"}, ids(at[*Group](w, r, "/party").Members))
		part := at[*Partitioner](w, r, "/part")
		require.Equal(t, []string{"host-0", "host-1"}, ids(part.Members))
		require.Equal(t, "host-1", part.Claims[1].ID)
		require.Equal(t, []string{"host-0", "host-1"}, ids(at[*Double](w, r, "/double").Inside))
		put(w, a, "/double/"+hex32(2), "host-2")
		late := at[*Double](w, report(w, a, "/"), "/double")
		require.Equal(t, []string{"host-2"}, ids(late.Waiting), "who came after ready is not of the round")
		q := at[*Queue](w, r, "/lq")
		require.Equal(t, 2, q.Length)
		require.Equal(t, "/lq/entries/entry-100-0000000000", q.Oldest.Path)
		require.Len(t, q.Claims, 1)
		require.Equal(t, []Layout{Kazoo}, q.Layouts)
	})
}

const instanceJSON = `{"name":"%s","id":"%s","address":"10.0.0.1","port":8080,"sslPort":null,"payload":%s,` +
	`"registrationTimeUTC":1,"serviceType":"DYNAMIC","uriSpec":null}`

func TestRead_services(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		spring := `{"@class":"org.springframework.cloud.zookeeper.discovery.ZookeeperInstance","id":"a","name":"n","metadata":{}}`
		put(w, a, "/services/orders/i1", fmt.Sprintf(instanceJSON, "orders", "i1", "null"))
		put(w, a, "/services/users/u1", fmt.Sprintf(instanceJSON, "users", "u1", spring))
		w.Put("/services/users/u2", fmt.Sprintf(instanceJSON, "users", "u2", "null"))
		provider := "dubbo%3A%2F%2F10.0.0.9%3A20880%2Forg.demo.Orders%3Finterface%3Dorg.demo.Orders%26side%3Dprovider"
		put(w, a, "/dubbo/org.demo.Orders/providers/"+provider, "10.0.0.9")
		put(w, a, "/dubbo/org.demo.Orders/consumers/consumer%3A%2F%2F10.0.0.8%2Forg.demo.Orders", "10.0.0.8")
		r := report(w, a, "/")
		require.Equal(t, []string{
			"plain /", "plain /dubbo", "service /dubbo/org.demo.Orders", "plain /services", "service /services/orders", "service /services/users",
		}, kinds(r))
		orders := at[*Service](w, r, "/services/orders")
		require.Equal(t, "10.0.0.1", orders.Instances[0].Address)
		require.Equal(t, 8080, orders.Instances[0].Port)
		require.Equal(t, "i1", orders.Instances[0].ID)
		users := at[*Service](w, r, "/services/users")
		require.Equal(t, []Layout{Curator, Spring}, users.Layouts)
		require.Equal(t, []string{"/services/users/u2"}, marked(&users.Header), "its process cannot have made it so")
		dubbo := at[*Service](w, r, "/dubbo/org.demo.Orders")
		require.Equal(t, "10.0.0.9", dubbo.Instances[0].Address)
		require.Equal(t, 20880, dubbo.Instances[0].Port)
		require.Equal(t, []string{"consumers: 1"}, dubbo.Notes)
	})
}

// A contender without a session blocks all later contenders forever.
// An application may have a group and locks with the names of a partitioner's
// directories. Its locks are shown with their waiters.
func TestRead_partyBesideLocks(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		kazoo := func(n int) string { return hex32(n) + "__lock__" + fmt.Sprintf("%010d", n) }
		for _, app := range []string{"/docents", "/strangers", "/part"} {
			put(w, a, app+"/party/"+hex32(1)+"__party__", "ann")
		}
		put(w, a, "/docents/locks/m/"+curatorName(1, "lock-", 1), "ann")
		put(w, b, "/docents/locks/m/"+curatorName(2, "lock-", 2), "ben")
		put(w, a, "/strangers/locks/m/"+kazoo(1), "ann")
		put(w, b, "/strangers/locks/m/"+kazoo(2), "ben") // no member
		put(w, a, "/part/locks/m/"+kazoo(1), "ann")
		r := report(w, a, "/")
		for _, app := range []string{"/docents", "/strangers"} {
			require.Equal(w, []string{"ben"}, ids(at[*Lock](w, r, app+"/locks/m").Waiters))
			require.Equal(w, []string{"ann"}, ids(at[*Group](w, r, app+"/party").Members))
		}
		require.Len(w, at[*Partitioner](w, r, "/part").Claims, 1)
	})
}

func TestRead_abandoned(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		hand := "/m/" + curatorName(1, "lock-", 0)
		w.Put(hand, "")
		put(w, a, "/m/"+curatorName(2, "lock-", 1), "10.0.0.1")
		w.Put("/d/ready", `{"round":3,"members":["member-a"]}`)
		const uuid = "00000000-1111-4222-8333-00000000000"
		put(w, a, "/dd/"+uuid+"1", "10.0.0.1")
		w.Put("/dd/"+uuid+"2", "10.0.0.2") // all wait until it is gone
		w.Put("/keys/"+uuid+"2", "a key")
		w.Put("/e/"+curatorName(1, "latch-", 0), "one")
		put(w, a, "/e/transfer", `{"id":"two","node":"`+curatorName(2, "latch-", 1)+`"}`)
		w.Put("/"+curatorName(2, "what-", 1)+"x", "")
		r := report(w, a, "/")
		m := at[*Lock](w, r, "/m")
		require.Equal(t, []Mark{{hand, reasonNoSession}}, m.Abandoned)
		require.Zero(t, m.Holder.Session)
		require.Equal(t, []string{"/d/ready"}, marked(&at[*Double](w, r, "/d").Header))
		double := at[*Double](w, r, "/dd")
		require.Equal(t, []Mark{{"/dd/" + uuid + "2", reasonNoSession}}, double.Abandoned)
		require.Len(t, double.Waiting, 2)
		at[*ConfigKey](w, r, "/keys/"+uuid+"2")
		e := at[*Election](w, r, "/e")
		require.Equal(t, []string{"/e/" + curatorName(1, "latch-", 0), "/e/transfer"}, marked(&e.Header))
		require.Equal(t, "two", e.Transfer)
		lost := at[*Plain](w, r, "/"+curatorName(2, "what-", 1)+"x")
		require.Len(t, lost.Notes, 1)
	})
}

// Nodes that look like a recipe's and are not.
func TestRead_lookalikes(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		w.Put("/conf/items/a", "config")
		w.Put("/conf/locks/a", "config")
		w.Put("/conf/leases/b", "config")
		w.Put("/conf/lock-1", "short number")
		w.Put("/conf/queue-x", "no number")
		w.Put("/conf/ready", "yes")
		w.Put("/json/a", `{"name":"x","id":"y"}`)
		put(w, a, "/mixed/e", "someone")
		w.Put("/mixed/p", "value")
		r := report(w, a, "/")
		for _, f := range r.Findings {
			switch f.(type) {
			case *Plain, *ConfigKey, *OneNode:
			default:
				require.Fail(t, "recognised", "%s %s", f.Head().Kind, f.Head().Path)
			}
		}
		require.Len(t, at[*OneNode](w, r, "/mixed/e").Notes, 1)
	})
}

func TestRead_text(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		put(w, a, "/m/"+curatorName(1, "lock-", 0), "\x1b[31mred")
		put(w, a, "/m/"+curatorName(2, "lock-", 1), strings.Repeat("x", 5000))
		f := at[*Lock](w, report(w, a, "/"), "/m")
		require.Empty(t, f.Holder.ID, "nothing that a terminal would obey")
		require.Equal(t, []string{""}, ids(f.Waiters))
	})
}

// A lock with a contender of Docent's mutex is not an election. The note that
// kazoo and Curator do not exclude each other appears only if kazoo uses its
// own names.
func TestRead_mixedLocks(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		const (
			hex  = "0123456789abcdef0123456789abcdef"
			uuid = "_c_01234567-89ab-4def-8123-456789abcdef-"
		)
		held(w, p, "/shared", "docent")
		for path, data := range map[string]string{
			"/shared/" + hex + "-lock-0000000007": "kazoo", "/shared/" + uuid + "lock-0000000008": "10.0.0.1",
			"/apart/" + uuid + "lock-0000000001": "10.0.0.1", "/apart/" + hex + "__lock__0000000002": "kazoo",
		} {
			require.NoError(w, w.Srv.Put(path, []byte(data)))
		}
		r := report(w, p, "/")
		shared := at[*Lock](w, r, "/shared")
		require.Equal(w, []Layout{Curator, Docent, Kazoo}, shared.Layouts)
		require.False(w, shared.MayBeElection)
		require.Empty(w, shared.Notes)
		apart := at[*Lock](w, r, "/apart")
		require.True(w, apart.MayBeElection)
		require.Len(w, apart.Notes, 2)
		require.Contains(w, apart.Notes[0], "they do not exclude each other")
	})
}
