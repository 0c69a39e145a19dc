//go:build unix

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

var (
	inspectSeeds = flag.Int("inspect.seeds", testworld.Sized(2, 12), "how many random trees to inspect")
	inspectSeed  = flag.Uint64("inspect.seed", 1, "the seed of the first random tree")
)

// TestInspectRandomTrees looks at random trees: znodes of every recipe, mutated,
// with hostile text, hidden and in great numbers, and sessions that wait for each
// other. Whatever a tree holds, the reads end, every znode is reported once at
// most, and the output has nothing that a terminal obeys.
func TestInspectRandomTrees(t *testing.T) {
	for seed := *inspectSeed; seed < *inspectSeed+uint64(*inspectSeeds); seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				g := &treeMaker{World: w, rng: rand.New(rand.NewPCG(seed, 1)), paths: []string{""}}
				g.text = choose(g, hostileTexts...)
				for range 3 {
					g.owners = append(g.owners, w.Process().Manager)
				}
				for range 10 + g.rng.IntN(80) {
					g.step()
				}
				g.look(w.Process().Manager)
			})
		})
	}
}

// treeMaker makes a random tree.
type treeMaker struct {
	*testworld.World
	rng    *rand.Rand
	text   string // hostile
	owners []*session.Manager
	paths  []string // of persistent znodes; "" is the root
}

func choose[T any](g *treeMaker, from ...T) T { return from[g.rng.IntN(len(from))] }

const testGUID = "_c_0c42bf25-0f3d-4b3c-9d0c-6f2f3f4a5b6c-"

// name returns the name of a znode of some recipe, or any other.
func (g *treeMaker) name() string {
	seq := fmt.Sprintf("%010d", choose(g, 0, 1, 2, 3, 7, 2147483647, -2147483648, -1))
	name := choose(g,
		"leases", "locks", "items", "claims", "taken", "entries", "dead", "guards", "members", "party", "ready", "transfer", "providers",
		"consumers", ".history", "q", "q-claims", "q-dead", "q-guards", "zookeeper", "a", "b", "7", "0",
		testGUID+"lock-"+seq, testGUID+"latch-"+seq, testGUID+"lease-"+seq, testGUID+"once-"+seq, testGUID+"__READ__"+seq, testGUID+"__WRIT__"+seq,
		strings.Repeat("0a", 16)+"__lock__"+seq, strings.Repeat("0b", 16)+"__rlock__"+seq, strings.Repeat("0c", 16),
		"0c42bf25-0f3d-4b3c-9d0c-6f2f3f4a5b6c", "member-x", "lock-"+seq, "latch-"+seq,
		"queue-"+seq, "queue-1000003E8"+seq, "queue-|0000018f00000000|"+seq, "entry-100-"+seq, "queue-"+seq+".2f", "guard-"+seq,
		"set-ABCDEFGHIJKLMNOPQRSTUVWXYZ-"+seq, "was-ABCDEFGHIJKLMNOPQRSTUVWXYZ-"+seq,
		"dubbo%3A%2F%2F10.0.0.1%3A20880%2Forg.Service%3Fa%3Db", hostileName, "\u202e\u2066", strings.Repeat("n", 300),
		string(g.mutate([]byte(testGUID+"lock-"+seq))),
	)
	if g.rng.IntN(20) == 0 {
		name = strings.ReplaceAll(g.text, "/", "")
	}
	return name
}

// data returns the data of a znode of some recipe, perhaps mutated.
func (g *treeMaker) data() []byte {
	number := make([]byte, choose(g, 4, 8))
	binary.BigEndian.PutUint32(number, g.rng.Uint32())
	quoted, _ := json.Marshal(g.text)
	session := fmt.Sprintf("%q", g.session())
	data := []byte(choose(g,
		"", "x", g.text, hostile, "__REVOKE__", "3", "-1", "1e999999999", string(number), strings.Repeat("[", 20_000), strings.Repeat(`{"a":`, 9_999)+"1"+strings.Repeat("}", 9_999),
		fmt.Sprintf(`{"id":%s,"host":%s,"pid":1}`, quoted, quoted),
		fmt.Sprintf(`{"id":"a","host":"h","pid":2,"under":[%s,%s]}`, session, session),
		fmt.Sprintf(`{"host":"h","pid":-9223372036854775808,"visit":%s,"place":%s,"claim":%s}`, quoted, quoted, quoted),
		fmt.Sprintf(`{"name":%s,"id":%s,"address":%s,"port":80,"sslPort":null,"payload":{"@class":%s,"a":{}},"registrationTimeUTC":1e18,"serviceType":"DYNAMIC"}`,
			quoted, quoted, quoted, quoted),
		`{"name":"n","id":"i","address":"a","port":1,"registrationTimeUTC":0,"payload":{"@class":"org.springframework.cloud.zookeeper.discovery.ZookeeperInstance","metadata":{}}}`,
		fmt.Sprintf(`{"round":1,"members":[%s,"a","b"]}`, quoted),
		fmt.Sprintf(`{"state":%s,"run":"2020","began":"2020-01-01T00:00:00Z","id":%s,"every":"1h"}`, choose(g, `"running"`, `"done"`, `"never"`, string(quoted)), quoted),
		fmt.Sprintf(`{"reason":%s,"attempts":99999999999,"put":-1}`+"\n\x00\xff", quoted),
		"\x00\x01\x00\x01\x01\xff\xff\xff\xff", strings.Repeat("x", 5000), base64.StdEncoding.EncodeToString(number),
	))
	if g.rng.IntN(4) == 0 {
		data = g.mutate(data)
	}
	return data
}

// session returns the text of the id of a session of the tree.
func (g *treeMaker) session() string {
	s, err := choose(g, g.owners...).Session(g.Context())
	require.NoError(g, err)
	return s.ID.String()
}

// mutate changes some bytes.
func (g *treeMaker) mutate(data []byte) []byte {
	data = bytes.Clone(data)
	for range 1 + g.rng.IntN(3) {
		if len(data) == 0 {
			break
		}
		at := g.rng.IntN(len(data))
		switch g.rng.IntN(3) {
		case 0:
			data[at] = byte(g.rng.UintN(256))
		case 1:
			data = slices.Delete(data, at, at+1)
		default:
			data = slices.Insert(data, at, byte(g.rng.UintN(256)))
		}
	}
	return data
}

// step makes a znode, or several. A server may refuse a name.
func (g *treeMaker) step() {
	path := choose(g, g.paths...) + "/" + g.name()
	switch g.rng.IntN(12) {
	case 0: // many of a kind
		for i := range choose(g, 10, 100, 1500) {
			_ = g.Srv.Put(fmt.Sprintf("%s/%s%010d", path, choose(g, testGUID+"lock-", "queue-", "k"), i), g.data())
		}
		return
	case 1: // cycles of waits: each session holds one lock and waits for the other
		for i, owner := range g.owners {
			for k := range 2 {
				dir := fmt.Sprintf("%s-cycle%d", path, (i+k)%len(g.owners))
				if g.Srv.Put(dir, nil) == nil {
					_, _ = owner.Create(g.Context(), fmt.Sprintf("%s/%slock-%010d", dir, testGUID, k), g.data(), session.Ephemeral)
				}
			}
		}
		return
	case 2: // a partitioner
		_ = g.Srv.Put(path+"/claims", []byte(choose(g, "3", "0", "99999999999999999999")))
		_ = g.Srv.Put(path+"/members", nil)
		for range 3 {
			_, _ = choose(g, g.owners...).Create(g.Context(), path+"/members/"+g.name(), g.data(), session.Ephemeral)
			_, _ = choose(g, g.owners...).Create(g.Context(), path+"/claims/"+choose(g, "0", "1", "x", "-1"), g.data(), session.Ephemeral)
		}
	case 3, 4:
		_, _ = choose(g, g.owners...).Create(g.Context(), path, g.data(), session.Ephemeral)
	case 5:
		_, _ = choose(g, g.owners...).Create(g.Context(), path, g.data(), choose(g, session.Container, session.Sequential))
	default:
		if g.Srv.Put(path, g.data()) == nil {
			g.paths = append(g.paths, path)
		}
	}
	if g.rng.IntN(10) == 0 {
		_ = g.Srv.SetACL(path, zktest.ACL{Perms: choose(g, int32(0), 1, 4), Scheme: "digest", ID: "other:" + strings.Repeat("x", 28)})
	}
}

// look reads the tree in every way.
func (g *treeMaker) look(sm *session.Manager) {
	opts := []inspect.Option{inspect.Confirm(0)}
	if g.rng.IntN(2) == 0 {
		opts = append(opts, inspect.Limit(1+g.rng.IntN(200)), inspect.MaxBytes(1+g.rng.IntN(20_000)), inspect.Children(1+g.rng.IntN(50)))
	}
	r, err := inspect.Read(g.Context(), sm, "/", opts...)
	require.NoError(g, err)
	g.check(r)
	found, err := inspect.Deadlocks(g.Context(), sm, "/", opts...)
	require.NoError(g, err)
	g.check(found.Report)
	for _, d := range found.Deadlocks {
		g.visible(deadlockText(d, time.Now()))
		g.json(d)
	}
	gaps(found)
	for now, err := range inspect.Changes(g.Context(), sm, "/", opts...) {
		require.NoError(g, err)
		require.Equal(g, reportText(r), strings.ReplaceAll(reportText(now), now.Taken.String(), r.Taken.String()), "a report with watches is the same")
		break
	}
}

// check checks one report and its output.
func (g *treeMaker) check(r *inspect.Report) {
	seen := make(map[string]bool)
	for _, f := range r.Findings {
		h := f.Head()
		key := h.Path
		if h.Kind == inspect.KindHidden || h.Kind == inspect.KindOmitted {
			key = string(h.Kind) + " " + h.Path
		}
		require.False(g, seen[key], "%s is reported twice", key)
		seen[key] = true
		_, there := g.Srv.Node(h.Path)
		require.True(g, there, h.Path)
		g.json(f)
	}
	g.json(r)
	g.visible(reportText(r))
}

func (g *treeMaker) visible(text string) {
	for line := range strings.Lines(text) {
		requireVisible(g, strings.TrimSuffix(line, "\n"))
	}
}

func (g *treeMaker) json(object any) {
	var out bytes.Buffer
	a := &app{environment: &environment{stdout: &out}}
	require.NoError(g, a.printJSON(object))
	line := strings.TrimSuffix(out.String(), "\n")
	requireVisible(g, line)
	require.True(g, json.Valid([]byte(line)))
}
