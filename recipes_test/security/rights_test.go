package security

import (
	"fmt"
	gopath "path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
)

const (
	ownersPassword = "owner-word"
	makersPassword = "maker-word"
)

var (
	ownersAuth = []session.Credential{session.Digest("owner", ownersPassword)}
	makersAuth = []session.Credential{session.Digest("maker", makersPassword)}

	// private is an identity with the ACL of session.CreatorACL.
	private = who{ownersAuth, session.CreatorACL()}
	// readable grants read to everyone.
	readable = who{ownersAuth, append(session.CreatorACL(), session.WorldACL(session.PermRead)...)}
	// shared is an ACL that grants the creator everything but delete.
	shared = append(session.DigestACL(session.PermAll, "owner", ownersPassword),
		session.DigestACL(session.PermRead|session.PermWrite|session.PermCreate, "maker", makersPassword)...)
)

func recipes() []recipe { return slices.Concat(holding, keeping) }

// forEach runs f for every recipe, each on a path of its own.
func forEach(w *world, f func(t *testing.T, r recipe, path string)) {
	t := w.t
	for i, r := range recipes() {
		// Not a subtest: a bubble of virtual time has none.
		path := fmt.Sprintf("/r%d/path", i)
		t.Log(r.name, path)
		f(t, r, path)
		require.False(t, t.Failed(), r.name)
	}
}

// Every recipe works with the owner's credentials. Only the owner has rights on
// the nodes that it makes, parents included.
func TestEveryNodeCarriesTheACL(t *testing.T) {
	onBoth(t, func(w *world) {
		sm := w.session(w.t, private)
		defer sm.Close()
		forEach(w, func(t *testing.T, r recipe, path string) {
			stood := false
			require.NoError(t, r.use(within(t), sm, path, func() {
				stood = true
				all := w.tree("/")
				made := 0
				for at, n := range all {
					if at == "/" || at == "/zookeeper" || strings.HasPrefix(at, "/zookeeper/") {
						continue
					}
					made++
					require.Len(t, n.acl, 1, "%s: %s", r.name, at)
					require.Equal(t, "digest", n.acl[0].Scheme, "%s: %s", r.name, at)
					require.True(t, strings.HasPrefix(n.acl[0].ID, "owner:"), "%s: %s", r.name, at)
				}
				require.NotZero(t, made, "nothing was looked at")
			}), r.name)
			require.True(t, stood, r.name)
			for at, n := range w.tree(path) {
				require.Zero(t, n.owner, "%s: %s is left behind", r.name, at)
			}
		})
	})
}

// A session without the right gets an error, in one line and at once, and
// leaves nothing behind. That holds at the owner's nodes, and at a path that
// does not exist yet.
func TestStrangersAreRefused(t *testing.T) {
	onBoth(t, func(w *world) {
		var done []string // the directories of earlier recipes
		for _, c := range []struct {
			base            string
			owner, stranger who
			reads           bool
		}{
			{"/no-credentials", private, who{}, false},
			{"/wrong-password", private, who{[]session.Credential{session.Digest("owner", "wrong")}, session.CreatorACL()}, false},
			{"/somebody-else", private, who{makersAuth, session.CreatorACL()}, false},
			{"/reader", readable, who{}, true},
		} {
			owner, stranger := w.session(w.t, c.owner), w.session(w.t, c.stranger)
			forEach(w, func(t *testing.T, r recipe, path string) {
				path = c.base + path
				entered := func() { require.Fail(t, "a session without the right acquires", r.name) }
				require.NoError(t, r.use(within(t), owner, path, func() {
					before := paths(w.tree("/", done...))
					if c.reads && r.full != nil {
						require.ErrorIs(t, r.use(within(t), stranger, path, entered), r.full)
					} else {
						refused(t, r.use(within(t), stranger, path, entered))
					}
					refused(t, r.use(within(t), stranger, path+"/further/down", entered))
					switch {
					case r.look == nil:
					case c.reads || r.open:
						require.NoError(t, r.look(within(t), stranger, path), r.name)
					case r.marked:
						require.ErrorIs(t, r.look(within(t), stranger, path), errHidden, r.name)
					default:
						refused(t, r.look(within(t), stranger, path))
					}
					require.ElementsMatch(t, before, paths(w.tree("/", done...)), "%s: something was made", r.name)
				}), r.name)
				done = append(done, gopath.Dir(path))
			})
			require.NoError(w.t, stranger.Close())
			require.NoError(w.t, owner.Close())
		}
	})
}

// A session that may create nodes but not delete them gets an error at the
// delete, at once. Its holds end with its session.
func TestNoRightToDelete(t *testing.T) {
	onBoth(t, func(w *world) {
		owner := w.session(w.t, who{ownersAuth, shared})
		defer owner.Close()
		forEach(w, func(t *testing.T, r recipe, path string) {
			require.NoError(t, owner.EnsureDir(within(t), gopath.Dir(path)))
			maker := w.session(t, who{makersAuth, shared})
			err := r.use(within(t), maker, path, func() {})
			if r.leaves {
				require.NoError(t, err, r.name)
			} else {
				refused(t, err)
			}
			require.NoError(t, maker.Close())
			for at, n := range w.tree(path) {
				require.Zero(t, n.owner, "%s: %s is left behind", r.name, at)
			}
		})
	})
}
