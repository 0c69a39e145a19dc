package security

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"os"
	gopath "path"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// updateTable makes TestRightsTable write the table instead of comparing it.
const updateTable = "DOCENT_UPDATE_RIGHTS"

// The table of docs/security.md is what was measured: for each recipe the
// smallest sets of rights with which it works, and what a stranger with one
// right does to it.
//
// Servers since ZooKeeper 3.8.4 and 3.9.2 withhold the stat of a znode that the
// session may not read. Where that changes a cell, it has both answers.
//
// The directories of a recipe exist beforehand, with the rights that are tried.
// The znodes that the recipe creates have the others. "Directories" includes
// the directory of a znode at the path itself, such as a key.
func TestRightsTable(t *testing.T) {
	var table strings.Builder
	table.WriteString("| recipe | in its directories | on its znodes | to look only | a stranger that may create | a stranger that may delete |\n|---|---|---|---|---|---|\n")
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // https://go.dev/issue/78156
	for _, m := range rows() {
		var cells [2][]string
		for i, opts := range [][]zktest.Option{nil, {zktest.Version(zktest.V39)}} {
			synctest.Test(t, func(t *testing.T) {
				m.t, m.srv = t, zktest.New(t, append(opts, zktest.ContainerInterval(24*time.Hour))...)
				cells[i] = m.measure()
			})
			require.False(t, t.Failed(), m.r.name)
		}
		for i, older := range cells[0] {
			if newer := cells[1][i]; newer != older {
				cells[0][i] = fmt.Sprintf("%s; since 3.8.4: %s", older, newer)
			}
		}
		fmt.Fprintf(&table, "| %s%s | %s |\n", m.r.name, m.note, strings.Join(cells[0], " | "))
	}
	const page, begin, end = "../../docs/security.md", "<!-- rights: measured -->\n", "<!-- rights: end -->\n"
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), begin)
	require.True(t, found)
	now, after, found := strings.Cut(rest, end)
	require.True(t, found)
	if os.Getenv(updateTable) != "" {
		require.NoError(t, os.WriteFile(page, []byte(before+begin+table.String()+end+after), 0o644))
		return
	}
	require.Equal(t, table.String(), now, "write the table with %s=1", updateTable)
}

// measurement measures one recipe on one server. Each run has a path of its own.
type measurement struct {
	t     *testing.T
	r     recipe
	note  string // what is special to the row
	fresh bool   // the znodes that an earlier use has left are deleted
	srv   *zktest.Server
	runs  int
}

// measure returns the cells of the row.
func (m *measurement) measure() []string {
	inDirs := m.smallest(func(perms int32) bool { return m.works(perms, session.PermAll) })
	onNodes := m.smallest(func(perms int32) bool { return m.works(session.PermAll, perms) })
	require.True(m.t, m.works(inDirs[0], onNodes[0]), "%s: the two sets together", m.r.name)
	return []string{alternatives(inDirs), alternatives(onNodes), m.looker(), m.creator(), m.deleter()}
}

// rows returns a measurement for each row of the table. A recipe that leaves a
// znode behind has two.
func rows() (all []*measurement) {
	for _, r := range recipes() {
		if r.leaves || r.lasting {
			all = append(all, &measurement{r: r, note: ", new", fresh: true}, &measurement{r: r, note: ", existing"})
		} else {
			all = append(all, &measurement{r: r})
		}
	}
	return all
}

// standing is how long a recipe is in use, so that the requests that follow an
// acquisition are made too.
const standing = 5 * time.Second

// triedRights are the permissions that are tried, in the order of the table.
var triedRights = []struct {
	perm int32
	name string
}{{session.PermCreate, "create"}, {session.PermRead, "read"}, {session.PermWrite, "write"}, {session.PermDelete, "delete"}}

// smallest returns the sets of permissions with which ok is true, without those
// that contain another.
func (m *measurement) smallest(ok func(perms int32) bool) (sets []int32) {
	var all []int32
	for set := range int32(1 << len(triedRights)) {
		var perms int32
		for i, right := range triedRights {
			if set&(1<<i) != 0 {
				perms |= right.perm
			}
		}
		all = append(all, perms)
	}
	slices.SortStableFunc(all, func(a, b int32) int { return bits.OnesCount32(uint32(a)) - bits.OnesCount32(uint32(b)) })
	for _, perms := range all {
		if !slices.ContainsFunc(sets, func(smaller int32) bool { return perms&smaller == smaller }) && ok(perms) {
			sets = append(sets, perms)
		}
	}
	require.NotEmpty(m.t, sets, "%s does not work with all rights", m.r.name)
	return sets
}

func alternatives(sets []int32) string {
	words := make([]string, len(sets))
	for i, perms := range sets {
		var names []string
		for _, right := range triedRights {
			if perms&right.perm != 0 {
				names = append(names, right.name)
			}
		}
		if words[i] = strings.Join(names, ", "); perms == 0 {
			words[i] = "none"
		}
	}
	return strings.Join(words, "; or ")
}

// ownerAll is the owner's entry in each ACL.
func ownerAll() session.ACL {
	return session.DigestACL(session.PermAll, "owner", ownersPassword)[0]
}

// makers is an entry of the user maker.
func makers(perms int32) session.ACL {
	return session.DigestACL(perms, "maker", makersPassword)[0]
}

func (m *measurement) session(auth []session.Credential, acl ...session.ACL) *session.Manager {
	return ensemble.Dial(m.t, patience, session.Config{
		Servers: []string{m.srv.Addr()}, Dialer: m.srv.DialContext, Timeout: lasting, Auth: auth, ACL: acl,
		Directories: session.IgnoreExposed,
	})
}

// prepared returns a new path whose directories exist, as the owner's use of the
// recipe leaves them. The user maker has rights in them, and on the znodes that
// the use leaves.
func (m *measurement) prepared(owner *session.Manager, inDirs, onNodes int32) string {
	m.runs++
	path := fmt.Sprintf("/run%d/path", m.runs)
	require.NoError(m.t, owner.EnsureDir(within(m.t), gopath.Dir(path)))
	require.NoError(m.t, m.r.use(within(m.t), owner, path, func() {}))
	m.clear(path)
	m.grant(gopath.Dir(path), inDirs, onNodes)
	return path
}

// clear deletes what a use has left behind, for a row about new znodes.
func (m *measurement) clear(path string) {
	if m.fresh {
		for _, at := range slices.Backward(m.below(path)) {
			require.NoError(m.t, m.srv.Remove(at))
		}
	}
}

// grant gives the user maker rights on the directories and on the other znodes
// at top and below.
func (m *measurement) grant(top string, inDirs, onNodes int32) {
	for _, at := range m.below(top) {
		perms := onNodes
		if node, found := m.srv.Node(at); found && len(node.Data) == 0 && node.Stat.EphemeralOwner == 0 {
			perms = inDirs
		}
		mine, others := ownerAll(), makers(perms)
		require.NoError(m.t, m.srv.SetACL(at, zktest.ACL{Perms: mine.Perms, Scheme: mine.Scheme, ID: mine.ID},
			zktest.ACL{Perms: others.Perms, Scheme: others.Scheme, ID: others.ID}))
	}
}

func (m *measurement) below(top string) (paths []string) {
	for _, at := range m.srv.Paths() {
		if at == top || strings.HasPrefix(at, top+"/") {
			paths = append(paths, at)
		}
	}
	return paths
}

// works reports whether the recipe works for the user maker with these rights.
func (m *measurement) works(inDirs, onNodes int32) bool {
	owner := m.session(ownersAuth, ownerAll())
	path := m.prepared(owner, inDirs, onNodes)
	require.NoError(m.t, owner.Close())
	maker := m.session(makersAuth, ownerAll(), makers(onNodes))
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	entered := false
	err := m.r.use(ctx, maker, path, func() {
		entered = true
		time.Sleep(standing)
	})
	require.NoError(m.t, maker.Close())
	return err == nil && entered
}

// looker says which rights a session needs that only looks while the owner uses
// the recipe.
func (m *measurement) looker() string {
	if m.r.look == nil {
		return "–"
	}
	inDirs := m.smallest(func(perms int32) bool { return m.looks(perms, session.PermAll) })
	onNodes := m.smallest(func(perms int32) bool { return m.looks(session.PermAll, perms) })
	require.True(m.t, m.looks(inDirs[0], onNodes[0]), "%s: the two sets together", m.r.name)
	return fmt.Sprintf("directories: %s; znodes: %s", alternatives(inDirs), alternatives(onNodes))
}

// looks reports whether the user maker sees what there is.
func (m *measurement) looks(inDirs, onNodes int32) (seen bool) {
	owner := m.session(ownersAuth, ownerAll())
	defer owner.Close()
	path := m.prepared(owner, inDirs, onNodes)
	reader := m.session(makersAuth)
	defer reader.Close()
	require.NoError(m.t, m.r.use(within(m.t), owner, path, func() {
		m.grant(gopath.Dir(path), inDirs, onNodes)
		ctx, cancel := context.WithTimeout(m.t.Context(), patience)
		defer cancel()
		err := m.r.look(ctx, reader, path)
		require.NotErrorIs(m.t, err, context.DeadlineExceeded, "%s: a look waits", m.r.name)
		seen = err == nil
	}), m.r.name)
	return seen
}

// creator says what becomes of the owner's use after a stranger has created
// znodes of the names that the owner's znodes had.
func (m *measurement) creator() string {
	owner := m.session(ownersAuth, ownerAll())
	defer owner.Close()
	path := m.prepared(owner, session.PermCreate, 0)
	top := gopath.Dir(path)
	dirs := m.below(top)
	var names []string
	require.NoError(m.t, m.r.use(within(m.t), owner, path, func() {
		for _, at := range m.below(top) {
			if !slices.Contains(dirs, at) {
				names = append(names, at)
			}
		}
	}))
	m.clear(path)
	stranger := m.session(makersAuth, makers(session.PermAll))
	defer stranger.Close()
	made := 0
	for _, at := range names {
		if _, err := stranger.Create(within(m.t), at, []byte("a stranger's"), session.Persistent); err == nil {
			made++
		} else {
			require.True(m.t, errors.Is(err, session.ErrNoAuth) || errors.Is(err, session.ErrNoNode) || errors.Is(err, session.ErrNodeExists), "%v", err)
		}
	}
	if made == 0 {
		return "cannot add znodes"
	}
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	switch err := m.r.use(ctx, owner, path, func() {}); {
	case err == nil:
		return "adds znodes"
	case errors.Is(err, context.DeadlineExceeded):
		return "blocks it"
	}
	return "has it fail"
}

// deleter says what becomes of the owner's use while a stranger deletes what it
// can.
func (m *measurement) deleter() string {
	owner := m.session(ownersAuth, ownerAll())
	defer owner.Close()
	path := m.prepared(owner, session.PermDelete, 0)
	stranger := m.session(makersAuth, makers(session.PermAll))
	defer stranger.Close()
	deleted := 0
	err := m.r.use(within(m.t), owner, path, func() {
		all := m.below(gopath.Dir(path))
		slices.Reverse(all) // children first
		for _, at := range all {
			node, found := m.srv.Node(at)
			if !found || len(node.Data) == 0 && node.Stat.EphemeralOwner == 0 {
				continue // a directory
			}
			err := bridge.Core(stranger).Delete(within(m.t), at, session.AnyVersion)
			if err == nil {
				deleted++
			} else {
				require.True(m.t, errors.Is(err, session.ErrNoAuth) || errors.Is(err, session.ErrNotEmpty), "%v", err)
			}
		}
		time.Sleep(standing)
	})
	switch {
	case deleted == 0:
		return "deletes nothing"
	case errors.Is(err, session.ErrLost):
		return "ends the hold"
	case err != nil:
		return "has it fail"
	}
	return "deletes its znodes"
}
