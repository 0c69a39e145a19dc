//go:build unix

package security

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// neighbourTable is what a program sees of a tree that it shares with a
// protected neighbour: sections of a title and a text. There is one table for
// all versions of the servers. A section may be followed by another text, for
// servers that withhold the stat of a hidden znode too.
const neighbourTable = "testdata/neighbour.txt"

// updateNeighbours makes TestProtectedNeighbour write the table as the embedded
// servers show it.
const updateNeighbours = "DOCENT_UPDATE_NEIGHBOUR"

// Marks in the table.
const (
	sectionMark = "== "
	withoutStat = ", without the stat"
)

// neighbours are a server, and two sessions that use one tree: a program without
// credentials, and its neighbour, whose znodes no other session may read.
type neighbours struct {
	t                  *testing.T
	servers            string
	program, neighbour *session.Manager
	without            bool      // the server withholds the stat of a hidden znode
	table              []section // as it is to be
	have               []section // as this server shows it
	update             bool
}

type section struct{ title, text string }

// A program that reads and watches a tree sees the same with each version of
// the servers, but for what the server withholds of the stats. The real server
// is the cell's: the suite runs on each.
func TestProtectedNeighbour(t *testing.T) {
	update := os.Getenv(updateNeighbours) != ""
	for _, server := range []struct {
		name  string
		start func(t *testing.T) []string
	}{
		{"embedded 3.8", embedded(zktest.V38)},
		{"embedded 3.9", embedded(zktest.V39)},
		{"real", func(t *testing.T) []string { return ensemble.Start(t, 1).Addrs() }},
	} {
		t.Run(server.name, func(t *testing.T) {
			servers := server.start(t)
			s := &neighbours{
				t: t, servers: strings.Join(servers, ","), table: readTable(t), update: update && server.name != "real",
				program: ensemble.Dial(t, patience, session.Config{Servers: servers, Timeout: lasting}),
				neighbour: ensemble.Dial(t, patience, session.Config{
					Servers: servers, Timeout: lasting, Auth: ownersAuth, ACL: session.CreatorACL(), Directories: session.IgnoreExposed,
				}),
			}
			s.plant()
			stat, found, err := s.program.Exists(within(t), "/app/config/secret")
			require.NoError(t, err)
			require.True(t, found)
			s.without = stat.Czxid == 0
			s.reads()
			s.watches()
			if s.update {
				s.writeTable()
				return
			}
			var want []section
			for _, one := range s.table {
				if !strings.HasSuffix(one.title, withoutStat) {
					want = append(want, section{one.title, s.wanted(one.title)})
				}
			}
			require.Equal(t, want, s.have, "write the table with %s=1", updateNeighbours)
		})
	}
}

// readTable splits the table into its sections.
func readTable(t *testing.T) (table []section) {
	text, err := os.ReadFile(neighbourTable)
	require.NoError(t, err)
	for one := range strings.SplitSeq("\n"+string(text), "\n"+sectionMark) {
		if title, text, found := strings.Cut(one, "\n"); found {
			table = append(table, section{title, strings.TrimSuffix(text, "\n")})
		}
	}
	return table
}

// wanted is what the table says of this server. A table that is written anew
// may lack the title.
func (s *neighbours) wanted(title string) (text string) {
	for _, one := range s.table {
		if one.title == title || s.without && one.title == title+withoutStat {
			text = one.text
		}
	}
	return text
}

// writeTable writes what this server shows: all of it, or what servers show
// that withhold stats, if it differs.
func (s *neighbours) writeTable() {
	var text strings.Builder
	write := func(title, of string) { fmt.Fprintf(&text, "%s%s\n%s\n", sectionMark, title, of) }
	for i, one := range s.have {
		if !s.without {
			write(one.title, one.text)
			continue
		}
		require.Equal(s.t, s.table[i].title, one.title)
		write(one.title, s.table[i].text)
		if one.text != s.table[i].text {
			write(one.title+withoutStat, one.text)
		}
	}
	require.NoError(s.t, os.WriteFile(neighbourTable, []byte(text.String()), 0o644))
}

func embedded(release zktest.Release) func(t *testing.T) []string {
	return func(t *testing.T) []string {
		addr, err := zktest.New(t, zktest.Version(release)).Listen("127.0.0.1:0")
		require.NoError(t, err)
		return []string{addr}
	}
}

// shows adds a section to what this server shows.
func (s *neighbours) shows(title, text string) {
	s.have = append(s.have, section{title, strings.TrimSuffix(settled(text), "\n")})
}

// varying is what differs from run to run: times, ages, sessions, processes,
// and the random parts of names.
var varying = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?|\b\d\d:\d\d:\d\d\b`), "TIME"},
	{regexp.MustCompile(`_c_[0-9a-f-]{32,36}-`), "_c_UUID-"},
	{regexp.MustCompile(`0x[0-9a-f]+`), "SESSION"},
	{regexp.MustCompile(`pid \d+ on [^ ,;)]+`), "pid PID on HOST"},
	{regexp.MustCompile(`\b\d+(\.\d+)?(µs|ms|s|m)\b`), "AGE"},
	{regexp.MustCompile(`\btoken \d+`), "token N"},
	{regexp.MustCompile(`\b\d+ bytes`), "N bytes"}, // of data that names a process
	{regexp.MustCompile(`"zxid": \d+`), `"zxid": N`},
}

func settled(text string) string {
	for _, v := range varying {
		text = v.pattern.ReplaceAllString(text, v.name)
	}
	return text
}

// said is the text of an error, and whether it is session.ErrNoAuth.
func said(err error) string {
	switch {
	case err == nil:
		return "no error"
	case errors.Is(err, session.ErrNoAuth):
		return "ErrNoAuth: " + err.Error()
	}
	return err.Error()
}

// tree are the directories of the recipes, which both may use.
var tree = []string{
	"/app/config", "/app/services", "/app/services/shop", "/app/group", "/app/parts/claims", "/app/parts/members", "/app/mutex",
	"/app/election", "/app/queue/items", "/app/queue/claims", "/app/one", "/app/locks",
	"/watched/config", "/watched/services/shop", "/watched/group",
}

// plant has both use each recipe.
func (s *neighbours) plant() {
	ctx := within(s.t)
	for _, dir := range tree {
		require.NoError(s.t, s.program.EnsureDir(ctx, dir))
	}
	ours, theirs := s.program, s.neighbour
	for _, key := range []string{"a", "b/c"} {
		s.put(ours, "/app/config/"+key, "open")
	}
	s.put(theirs, "/app/config/secret", "closed")
	s.put(theirs, "/app/config/vault/deep/key", "closed")

	s.register(ours, "/app/services", "shop", "one")
	s.register(theirs, "/app/services", "shop", "two")
	s.register(theirs, "/app/services", "vault", "three")
	s.join(ours, "/app/group", "ann")
	s.join(theirs, "/app/group", "bob")

	_, err := s.program.Set(ctx, "/app/parts/claims", []byte("3"), session.AnyVersion)
	require.NoError(s.t, err)
	for i, sm := range []*session.Manager{ours, theirs} {
		_, err := sm.Create(ctx, fmt.Sprintf("/app/parts/claims/%d", i), []byte("somebody"), session.Persistent)
		require.NoError(s.t, err)
	}

	_, err = lock.NewMutex(ours, "/app/mutex", lock.ID("ann")).Lock(ctx)
	require.NoError(s.t, err)
	s.waits("/app/mutex")
	_, err = lock.NewMutex(theirs, "/app/locks/theirs", lock.ID("bob")).Lock(ctx)
	require.NoError(s.t, err)
	_, err = lock.NewOneNode(theirs, "/app/locks/one", lock.ID("bob")).TryLock(ctx)
	require.NoError(s.t, err)
	_, err = election.New(theirs, "/app/election", election.ID("bob")).Campaign(ctx)
	require.NoError(s.t, err)
	_, err = election.New(theirs, "/app/one/election", election.ID("bob"), election.Layout(election.OneNode)).Campaign(ctx)
	require.NoError(s.t, err)
	for _, sm := range []*session.Manager{theirs, ours} {
		_, err = queue.New(sm, "/app/queue").Put(ctx, []byte("item"))
		require.NoError(s.t, err)
	}
	require.NoError(s.t, barrier.New(theirs, "/app/gate").Set(ctx))
	_, err = counter.New(theirs, "/app/counter").Add(ctx, 7)
	require.NoError(s.t, err)
}

func (s *neighbours) put(sm *session.Manager, path, data string) {
	s.t.Helper()
	parent := path[:strings.LastIndexByte(path, '/')]
	require.NoError(s.t, sm.EnsureDir(within(s.t), parent))
	_, err := sm.Create(within(s.t), path, []byte(data), session.Persistent)
	require.NoError(s.t, err)
}

func (s *neighbours) register(sm *session.Manager, base, service, id string) *naming.Registration {
	s.t.Helper()
	g, err := naming.NewRegistry(sm, naming.Base(base)).Register(within(s.t), naming.Instance{Service: service, ID: id, Address: "10.0.0.1", Port: 80})
	require.NoError(s.t, err)
	return g
}

func (s *neighbours) join(sm *session.Manager, path, id string) *groupmembership.Membership {
	s.t.Helper()
	m, err := groupmembership.NewGroup(sm, path).Join(within(s.t), id, []byte("payload"))
	require.NoError(s.t, err)
	return m
}

// waits has the neighbour wait for a mutex until the end of the test.
func (s *neighbours) waits(path string) {
	s.t.Helper()
	done := make(chan error, 1)
	ctx := within(s.t)
	go func() {
		_, err := lock.NewMutex(s.neighbour, path, lock.ID("bob")).Lock(ctx)
		done <- err
	}()
	s.t.Cleanup(func() { <-done }) // its ctx ends with the test, or its session
	ensemble.Eventually(s.t, patience, "the neighbour waits", func() bool {
		waiters, err := lock.NewMutex(s.neighbour, path).Waiters(ctx)
		require.NoError(s.t, err)
		return len(waiters) == 1
	})
}

// named formats what is left of a list of names.
func named(names []string) string {
	slices.Sort(names)
	return strings.Join(names, " ")
}
