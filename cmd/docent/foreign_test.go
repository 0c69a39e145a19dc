//go:build unix

package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// foreignWorld is a server on which every recipe has its znodes.
type foreignWorld struct {
	server *zktest.Server
	kinds  map[string]string // the path of each kind of znode
}

// newForeignWorld lets another process use every recipe, for as long as the
// test lasts.
func newForeignWorld(t *testing.T, opts ...zktest.Option) *foreignWorld {
	t.Helper()
	server := zktest.New(t, append(opts, zktest.SessionTimeouts(400*time.Millisecond, 0))...)
	ctx := t.Context()
	sm, err := session.Dial(ctx, session.Config{Servers: []string{"zk1"}, Dialer: server.DialContext})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sm.Close()) })
	kinds := map[string]string{
		"key": "/a/b/config/limits", "key's directory": "/a/b/config", "lock": "/a/b/lock", "contender": "/a/b/lock/*", "one-node": "/a/b/one-node",
		"read lock": "/a/b/rw", "semaphore": "/a/b/sem", "lease": "/a/b/sem/leases/*", "election": "/a/b/election", "candidate": "/a/b/election/*",
		"gate": "/a/b/gate", "kazoo's gate": "/a/b/kgate", "rendezvous": "/a/b/double", "visitor": "/a/b/double/member-a", "round": "/a/b/double/ready",
		"counter": "/a/b/counter", "queue": "/a/b/queue", "items": "/a/b/queue/items", "item": "/a/b/queue/items/*", "claims": "/a/b/queue/claims",
		"claim": "/a/b/queue/claims/*", "letters": "/a/b/queue/dead", "letter": "/a/b/queue/dead/*", "group": "/a/b/group", "member": "/a/b/group/m1",
		"service": "/a/b/services/orders", "instance": "/a/b/services/orders/i1", "static instance": "/a/b/services/orders/s1",
		"workers": "/a/b/workers", "worker": "/a/b/workers/0", "worker's memory": "/a/b/workers/names/w", "simple queue": "/a/b/simple",
		"simple item": "/a/b/simple/*", "job": "/a/b/job", "call": "/a/b/job/*",
	}
	put := func(path, data string) { require.NoError(t, server.Put(path, []byte(data))) }
	put(kinds["key"], `{"qps":2}`)
	_, err = lock.NewMutex(sm, kinds["lock"]).Lock(ctx)
	require.NoError(t, err)
	_, err = lock.NewOneNode(sm, kinds["one-node"]).Lock(ctx)
	require.NoError(t, err)
	_, err = lock.NewRWMutex(sm, kinds["read lock"]).RLock(ctx)
	require.NoError(t, err)
	_, err = lock.NewSemaphore(sm, kinds["semaphore"], lock.Permits(3)).Acquire(ctx, 1)
	require.NoError(t, err)
	_, err = lock.NewOnce(sm, kinds["job"], time.Hour).Start(ctx)
	require.NoError(t, err)
	_, err = election.New(sm, kinds["election"], election.ID("boss")).Campaign(ctx)
	require.NoError(t, err)
	require.NoError(t, barrier.New(sm, kinds["gate"]).Set(ctx))
	put(kinds["kazoo's gate"], "")
	_, err = barrier.NewDouble(sm, kinds["rendezvous"], 1, barrier.ID("a")).Enter(ctx)
	require.NoError(t, err)
	require.NoError(t, counter.New(sm, kinds["counter"]).Set(ctx, 5))
	q := queue.New(sm, kinds["queue"])
	for range 3 {
		_, err = q.Put(ctx, []byte("work"))
		require.NoError(t, err)
	}
	dead, err := q.Take(ctx)
	require.NoError(t, err)
	require.NoError(t, dead.Reject("poison"))
	_, err = q.Take(ctx)
	require.NoError(t, err)
	_, err = queue.New(sm, kinds["simple queue"], queue.Layout(queue.SimpleQueue)).Put(ctx, []byte("work"))
	require.NoError(t, err)
	_, err = groupmembership.NewGroup(sm, kinds["group"]).Join(ctx, "m1", nil)
	require.NoError(t, err)
	for id, kind := range map[string]naming.ServiceType{"i1": naming.Dynamic, "s1": naming.Static} {
		_, err = naming.NewRegistry(sm, naming.Base("/a/b/services")).Register(ctx, naming.Instance{Service: "orders", ID: id, Address: "10.0.0.1", Port: 80, Type: kind})
		require.NoError(t, err)
	}
	_, err = naming.NewWorkers(sm, kinds["workers"], 4).Acquire(ctx, "w")
	require.NoError(t, err)
	for kind, path := range kinds {
		dir, found := strings.CutSuffix(path, "/*")
		node, there := server.Node(dir)
		require.True(t, there, dir)
		if found {
			kinds[kind] = dir + "/" + node.Children[0]
		}
	}
	return &foreignWorld{server, kinds}
}

// snapshot is what every znode is by: another czxid is another znode, and
// another version another value.
func (w *foreignWorld) snapshot() map[string]string {
	all := make(map[string]string)
	for _, path := range w.server.Paths() {
		if node, found := w.server.Node(path); found {
			all[path] = fmt.Sprintf("czxid %d version %d aversion %d data %q", node.Stat.Czxid, node.Stat.Version, node.Stat.Aversion, node.Data)
		}
	}
	return all
}

// changed returns what a verb has done to the znodes that were there before.
func (w *foreignWorld) changed(before map[string]string) []string {
	now := w.snapshot()
	var all []string
	for path, was := range before {
		if is, found := now[path]; !found {
			all = append(all, path+": deleted")
		} else if is != was {
			all = append(all, fmt.Sprintf("%s: was %s, is %s", path, was, is))
		}
	}
	slices.Sort(all)
	return all
}

// ofSessions are the ephemeral znodes.
var ofSessions = []string{"contender", "one-node", "lease", "candidate", "visitor", "claim", "member", "instance", "worker", "call"}

// anyDirectory are the directories that may be a rendezvous with other nodes.
var anyDirectory = []string{"kazoo's gate", "key's directory", "group", "service", "workers"}

// outcome is what a verb does about some kinds of znodes.
type outcome struct {
	kinds []string // empty: all that no earlier outcome names
	code  int
	text  string // in the message
	// takes says that the verb takes the znode for its own, as its
	// documentation says, since nothing tells the two apart. The znode is
	// changed then.
	takes bool
}

// foreignVerb is a verb that writes or deletes.
type foreignVerb struct {
	line     string   // PATH is the path of the kind, DIR above NAME, BASE above SERVICE above NAME
	own      []string // the kinds whose znodes it is there for
	outcomes []outcome
}

func kinds(names ...string) []string { return names }

var (
	// Znodes that look like config keys, and cannot be told from them.
	likeKeys  = outcome{kinds: kinds("kazoo's gate", "worker's memory"), takes: true}
	innerKey  = outcome{kinds: kinds("key's directory"), takes: true}
	notKey    = outcome{code: 1, text: "the znode belongs to another recipe or program: it "}
	notGate   = outcome{code: 1, text: "the znode belongs to another recipe or program: it "}
	notNumber = outcome{code: 1, text: "the znode does not hold a number of this layout: "}
	noLetter  = outcome{code: 2, text: "is not the ID of a dead letter"}
	nothing   = outcome{code: 75, text: "no item is ready"}
	// A verb that makes a node of its own below the path.
	noChildren  = outcome{kinds: ofSessions, code: 1, text: "the parent is an ephemeral znode, which can have no children"}
	beside      = outcome{}
	ownPath     = outcome{kinds: kinds("gate", "job"), code: 1, text: "the znode belongs to another recipe or program: it is "}
	noCandidate = outcome{code: 1, text: "there is no such candidate"}
)

// foreignVerbs are all verbs that write or delete, and what they do about the
// znodes of other recipes.
var foreignVerbs = map[string]foreignVerb{
	"config set":      {"config set PATH x", kinds("key"), []outcome{likeKeys, innerKey, notKey}},
	"config set keep": {"config set PATH x --keep 3", kinds("key"), []outcome{likeKeys, innerKey, notKey}},
	"config put keep": {"config set PATH x --keep 3 --create", kinds("key"), []outcome{likeKeys, innerKey, notKey}},
	"config delete": {"config delete PATH", kinds("key"), []outcome{
		likeKeys, {kinds: kinds("key's directory"), code: 1, text: `the znode has a child, "limits"`}, notKey,
	}},
	"config import": {"config import DIR FILE", kinds("key"), []outcome{
		likeKeys, innerKey, notKey,
	}},
	"config rollback": {"config rollback PATH 0", nil, []outcome{{code: 1, text: "the key's history has no such value"}}},

	"barrier set":  {"barrier set PATH", kinds("gate", "kazoo's gate"), []outcome{notGate}},
	"barrier lift": {"barrier lift PATH", kinds("gate", "kazoo's gate"), []outcome{notGate}},
	"barrier enter": {"barrier enter PATH --count 1 --wait 1m -- true", kinds("rendezvous"), []outcome{
		noChildren,
		{kinds: anyDirectory, takes: true}, // a round raises the version
		{code: 1, text: "the znode belongs to another recipe or program: "},
	}},
	// What it waits at for another member is left out: "barrier enter" has it.
	"barrier enter two": {"barrier enter PATH --count 2 --wait 1m --id b -- true", anyDirectory, []outcome{
		noChildren, {kinds: kinds("rendezvous"), code: 1,
			text: "this member gives 2, and the barrier has members that give 1; give all members the same count"},
		{code: 1, text: "the znode belongs to another recipe or program: "},
	}},

	"counter set": {"counter set PATH 7", kinds("counter"), []outcome{{kinds: kinds("kazoo's gate"), takes: true}, notNumber}},
	"counter add": {"counter add PATH 7", kinds("counter"), []outcome{{kinds: kinds("kazoo's gate"), takes: true}, notNumber}},
	"counter set decimal": {"counter set PATH 7 --layout decimal", nil, []outcome{
		{kinds: kinds("kazoo's gate", "worker's memory"), takes: true}, notNumber,
	}},
	"counter add decimal": {"counter add PATH 7 --layout decimal", nil, []outcome{
		{kinds: kinds("kazoo's gate", "worker's memory"), takes: true}, notNumber,
	}},

	"queue put":         {"queue put PATH x", nil, []outcome{noChildren, beside}},
	"queue put items":   {"queue put /other x --items PATH", nil, []outcome{noChildren, beside}},
	"queue take":        {"queue take PATH --wait 0", kinds("queue"), []outcome{nothing}},
	"queue take max":    {"queue take /other --wait 0 --max-attempts 1 --items PATH", kinds("items"), []outcome{{kinds("claims"), exitNotAcquired, "is not an item", false}, nothing}},
	"queue take simple": {"queue take PATH --wait 0 --layout simple", kinds("simple queue"), []outcome{nothing}},
	"queue take kazoo":  {"queue take PATH --wait 0 --layout kazoo", nil, []outcome{nothing}},
	// It puts back nothing, and prints that.
	"queue dead redrive":    {"queue dead redrive PATH", kinds("queue"), []outcome{beside}},
	"queue dead redrive id": {"queue dead redrive DIR NAME", nil, []outcome{{kinds: kinds("letter")}, noLetter}},
	"queue dead discard":    {"queue dead discard DIR NAME", nil, []outcome{{kinds: kinds("letter")}, noLetter}},

	"group join": {"group join DIR NAME --timeout 400ms", nil, []outcome{
		{kinds: ofSessions, code: 1, text: "the id is in use"},
		{code: 1, text: "the znode is not ephemeral"},
	}},
	"group join below": {"group join PATH other", nil, []outcome{noChildren, beside}},
	"service register": {"service register --base DIR NAME other 10.0.0.2:80", nil, []outcome{noChildren, beside}},
	"service register id": {"service register --base BASE SERVICE NAME 10.0.0.2:80 --timeout 400ms", nil, []outcome{
		{kinds: ofSessions, code: 1, text: "the id is in use"},
		{code: 1, text: "unregister it if it is a static instance"},
	}},
	"service drain": {"service drain --base BASE SERVICE NAME", kinds("instance", "static instance"), []outcome{
		{code: 1, text: "is malformed: "},
	}},

	"lock":       {"lock PATH --try -- true", nil, []outcome{noChildren, ownPath, {kinds: kinds("lock"), code: 75, text: "held by"}, beside}},
	"lock write": {"lock PATH --mode write --try -- true", nil, []outcome{noChildren, ownPath, {kinds: kinds("read lock"), code: 75, text: "held for reading"}, beside}},
	"lock permits": {"lock PATH --permits 1 --try -- true", nil, []outcome{
		noChildren, {kinds: kinds("semaphore"), code: 75, text: "held by"}, beside,
	}},
	// A znode without children may be the directory of a lock.
	"revoke": {"revoke PATH", kinds("contender", "lock", "one-node", "read lock"), []outcome{
		{kinds: kinds("kazoo's gate"), text: "no holder was seen"},
		{kinds: ofSessions, code: 1, text: "the znode belongs to another recipe or program"},
		{kinds: kinds("semaphore"), code: 1, text: "whose holders cannot be asked"},
		{kinds: kinds("election"), code: 1, text: "it is an election"},
		{kinds: kinds("job"), code: 1, text: "the record of a job, whose runs cannot be asked"},
		{code: 1, text: "it is not a lock"},
	}},
	"remove": {"remove PATH", nil, []outcome{{code: 1, text: "the znode is not abandoned: "}}},
	"lock one-node": {"lock PATH --mode one-node --try -- true", nil, []outcome{
		{kinds: ofSessions, code: 75, text: "held by"}, {code: 1, text: "the znode is not ephemeral"},
	}},

	"once": {"once PATH --every 10m -- true", kinds("job"), []outcome{
		{kinds: kinds("kazoo's gate"), takes: true}, {code: 1, text: "it is not the record of a job"},
	}},

	"elect": {"elect PATH -- CMD", kinds("election"), []outcome{noChildren, ownPath, {code: 143, text: "resigned, and CMD ended with code 7"}}},
	// It waits for a node of a session to go, as it waits for a leader's.
	"elect one node":           {"elect PATH --layout one-node -- true", ofSessions, []outcome{{code: 1, text: "the znode is not ephemeral"}}},
	"leader transfer":          {"leader PATH --transfer x --wait 1s", nil, []outcome{noCandidate}},
	"leader transfer selector": {"leader PATH --transfer x --layout selector --wait 1s", nil, []outcome{noCandidate}},
}

// readOnly are the verbs that change nothing in ZooKeeper, or that make nodes
// of their own alone. Together with foreignVerbs they are all there are.
var readOnly = []string{
	"demo", "dev", "barrier wait", "counter get", "config get", "config watch", "config list", "config sync", "config history", "config export", "config diff", "exec",
	"queue len", "queue list", "queue dead list", "group list", "group watch", "service list", "service watch", "service pick",
	"inspect", "status", "ui", "completion", "man", "version", "acl check",
	"acl init", // it changes no data, and an ACL of others only with --force
}

// expected returns what a verb is expected to do about a kind.
func (v foreignVerb) expected(t *testing.T, kind string) outcome {
	t.Helper()
	for _, o := range v.outcomes {
		if len(o.kinds) == 0 || slices.Contains(o.kinds, kind) {
			return o
		}
	}
	require.Fail(t, "nothing is expected of "+v.line+" about "+kind)
	return outcome{}
}

// args returns the command line about a path.
func (v foreignVerb) args(t *testing.T, path string) []string {
	t.Helper()
	up, name := znode.Split(path)
	base, service := znode.Split(up)
	line := strings.NewReplacer("PATH", path, "DIR", up, "BASE", base, "SERVICE", service, "NAME", name).Replace(v.line)
	if strings.Contains(line, "FILE") {
		export := filepath.Join(t.TempDir(), "export.json")
		require.NoError(t, os.WriteFile(export, fmt.Appendf(nil, `{"format":"docent config 1","keys":[{"key":%q,"value":"x"}]}`, name), 0o600))
		line = strings.Replace(line, "FILE", export, 1)
	}
	if line, found := strings.CutSuffix(line, "-- CMD"); found {
		return words(line, self()...)
	}
	return words(line)
}

// Every verb that writes or deletes touches the znodes of its own recipe alone.
// It says what exists at the path, and what to do.
func TestFault25_EveryVerb(t *testing.T) {
	for nth, name := range slices.Sorted(maps.Keys(foreignVerbs)) {
		verb := foreignVerbs[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newForeignWorld(t)
			for i, kind := range slices.Sorted(maps.Keys(w.kinds)) {
				if slices.Contains(verb.own, kind) || i%oneIn != nth%oneIn {
					continue
				}
				want := verb.expected(t, kind)
				before := w.snapshot()
				args := verb.args(t, w.kinds[kind])
				code, stderr := untilStanding(t, args, on(w.server), role("signals"))
				require.Equal(t, want.code, code, "%s (%s): %s", args, kind, stderr)
				require.Contains(t, stderr, want.text, "%s (%s)", args, kind)
				require.Equal(t, want.code == 0 && want.text == "", stderr == "", "%s (%s): %s", args, kind, stderr)
				if !want.takes {
					require.Empty(t, w.changed(before), "%s (%s)", args, kind)
					continue
				}
				require.NotEmpty(t, w.changed(before), "%s (%s): the documentation says that nothing tells it apart", args, kind)
				w = newForeignWorld(t)
			}
		})
	}
}

// untilStanding runs docent until it has ended. A verb that stays until a
// signal comes gets one as soon as it has said that it stands.
func untilStanding(t *testing.T, args []string, settings ...setting) (code int, stderr string) {
	t.Helper()
	i := start(t, args, settings...)
	if i.out.Scan() && slices.Contains([]string{"joined", "registered", "ready"}, strings.Fields(i.out.Text() + " -")[0]) {
		i.kill(syscall.SIGTERM)
	}
	code, _ = i.wait()
	return code, i.stderr.String()
}

// No verb is missing in the table.
func TestFault25_TableIsComplete(t *testing.T) {
	parser, err := kong.New(&grammar{}, append(decoders(), kong.Name("docent"))...)
	require.NoError(t, err)
	for _, leaf := range parser.Model.Leaves(true) {
		verb := strings.Join(strings.Fields(strings.NewReplacer("docent ", "").Replace(leaf.FullPath())), " ")
		here := slices.Contains(readOnly, verb)
		for _, v := range foreignVerbs {
			here = here || strings.HasPrefix(v.line+" ", verb+" ")
		}
		require.True(t, here, "%q is neither in foreignVerbs nor in readOnly", verb)
	}
}
