package conformance

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/zktest"
)

// TestReaping compares which containers and TTL znodes a server deletes, in the
// root's subtree and in its own.
func TestReaping(t *testing.T) {
	const interval = 50 * time.Millisecond
	e := ensemble.Start(t, 1, ensemble.TickTime(tick),
		ensemble.JVM(fmt.Sprintf("-Dznode.container.checkIntervalMs=%d", interval.Milliseconds()), "-Dzookeeper.extendedTypesEnabled=true"))
	srv := zktest.New(t, zktest.Version(releaseOf(t, e.Server(0))), zktest.Tick(tick), zktest.ContainerInterval(interval), zktest.TTLNodes())
	for _, s := range []*side{
		{name: "ZooKeeper", addr: e.Server(0).Addr(), dial: dialTCP}, {name: "zktest", addr: srv.Addr(), dial: srv.Dial},
	} {
		k := &talk{side: s, norm: &normal{sessions: map[int64]string{0: "nobody"}}, clients: map[string]*rawClient{}}
		there := func(path string) bool {
			answer := k.client("one").call(opExists, body{}.str(path).boolean(false), "S")
			if strings.Contains(answer, "error -101") {
				return false
			}
			require.Contains(t, answer, "error 0", path)
			return true
		}
		for _, dir := range []string{"", "/zookeeper", "/zookeeper/quota"} {
			k.ask("unused", opCreateContainer, createBody(dir+"/unused", createContainer), "sS")
			k.ask("used", opCreateContainer, createBody(dir+"/used", createContainer), "sS")
			k.ask("full", opCreateContainer, createBody(dir+"/full", createContainer), "sS")
			for _, path := range []string{"/used/child", "/full/child"} {
				k.ask("child", opCreate, createBody(dir+path, 0), "s")
			}
			k.ask("short", opCreateTTL, createBody(dir+"/short", createTTL).i64(1), "sS")
			k.ask("long", opCreateTTL, createBody(dir+"/long", createTTL).i64(never.Milliseconds()), "sS")
			k.ask("delete", opDelete, body{}.str(dir+"/used/child").i32(-1), "")
			for _, path := range []string{"/used", "/short"} {
				ensemble.Eventually(t, patience, s.name+" deletes "+dir+path, func() bool { return !there(dir + path) })
			}
			for _, path := range []string{"/unused", "/full", "/long"} {
				require.True(t, there(dir+path), "%s: %s", s.name, dir+path)
			}
		}
		for _, note := range k.notes {
			require.Contains(t, note, "error 0", s.name)
		}
		k.client("one").hangUp()
	}
}
