package core_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// Which rights of whom count.
func TestExposedRights(t *testing.T) {
	other := core.DigestACL(core.PermAll, "other", "word")[0].ID
	mine := core.DigestACL(core.PermAll, "owner", "secret")[0].ID
	impostor := core.DigestACL(core.PermAll, "owner", "another word")[0].ID
	for _, c := range []struct {
		perms      int32
		scheme, id string
		says       string // empty: not exposed
	}{
		{core.PermRead | core.PermWrite, "world", "anyone", ""},
		{core.PermDelete, "world", "anyone", "anyone may delete znodes there,"},
		{core.PermCreate, "world", "anyone", "anyone may create znodes there, so they can put znodes before"},
		{core.PermAdmin, "world", "anyone", "anyone may change its ACL, so they can delete"},
		{core.PermDelete, "digest", other, "digest:other may delete znodes there,"},
		{core.PermDelete, "digest", mine, ""},
		{core.PermDelete, "digest", impostor, "digest:owner may delete znodes there,"},
		{core.PermDelete, "ip", "10.0.0.0/8", "ip:10.0.0.0/8 may delete"},
		{core.PermDelete, "sasl", "bob", "sasl:bob may delete"},
		{core.PermDelete, "digest", "a\x1b[2Jb:x", `"digest:a\x1b[2Jb" may delete`},
	} {
		t.Run(fmt.Sprint(c.scheme, c.id, c.perms), func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.openTo("/locks", c.perms, c.scheme, c.id)
				p, _ := w.owner(core.RejectExposed)
				_, err := p.session().Enter(w.Context(), "/locks", "lock-", nil)
				if c.says == "" {
					require.NoError(w, err)
					return
				}
				require.ErrorIs(w, err, core.ErrExposed)
				require.Contains(w, err.Error(), c.says)
				require.NotContains(w, err.Error(), strings.TrimPrefix(other, "other:"), "no hash of a password is shown")
			})
		})
	}
}

// An identity to which Config.ACL gives only a part of the right is another one
// as to the rest.
func TestExposedBeyondTheConfiguredRights(t *testing.T) {
	inWorld(t, func(w *world) {
		w.openTo("/locks", core.PermAll, "world", "anyone")
		p, _ := w.owner(core.RejectExposed, func(cfg *core.Config) {
			cfg.ACL = append(core.CreatorACL(), core.WorldACL(core.PermRead|core.PermCreate)...)
		})
		_, err := p.session().Enter(w.Context(), "/locks", "lock-", nil)
		require.ErrorIs(w, err, core.ErrExposed)
		require.Contains(w, err.Error(), "anyone may delete znodes there and change its ACL")
	})
}

// A server masks the hashes of passwords from a session that may not administer
// the directory. Then two users of one name cannot be told apart.
func TestExposedMasked(t *testing.T) {
	mine, impostor := core.DigestACL(core.PermAll, "owner", "secret")[0], core.DigestACL(core.PermAll, "owner", "another word")[0]
	inWorld(t, func(w *world) {
		w.Put("/locks", "")
		require.NoError(w, w.Srv.SetACL("/locks", zktest.ACL{Perms: core.PermRead | core.PermCreate | core.PermDelete, Scheme: "digest", ID: mine.ID}))
		p, logs := w.owner(core.WarnExposed)
		p.enter("/locks")
		lines := logs.warnings()
		require.Len(w, lines, 1)
		require.Contains(w, lines[0], "digest:owner may create and delete znodes there (the server hides the hash")
		require.NoError(w, w.Srv.SetACL("/locks", zktest.ACL{Perms: core.PermAll, Scheme: "digest", ID: impostor.ID},
			zktest.ACL{Perms: core.PermRead | core.PermCreate, Scheme: "world", ID: "anyone"}))
		r, _ := w.owner(core.RejectExposed)
		_, err := r.session().Enter(w.Context(), "/locks", "lock-", nil)
		require.ErrorIs(w, err, core.ErrExposed)
	})
}

// A session that may not read the ACL cannot tell, and says so.
func TestExposedUnreadable(t *testing.T) {
	inWorld(t, func(w *world) {
		mine := core.DigestACL(core.PermAll, "owner", "secret")[0]
		w.Put("/box", "")
		require.NoError(w, w.Srv.SetACL("/box", zktest.ACL{Perms: core.PermCreate | core.PermDelete, Scheme: "digest", ID: mine.ID}))
		p, logs := w.owner(core.WarnExposed)
		counts := w.Count(func() {
			for i := range 3 {
				_, err := p.Create(w.Context(), fmt.Sprintf("/box/%d", i), nil, core.Persistent)
				require.NoError(w, err)
			}
		})
		require.Equal(w, 1, counts["getACL"])
		lines := logs.warnings()
		require.Len(w, lines, 1)
		require.Contains(w, lines[0], "this session may not read its ACL")
		r, _ := w.owner(core.RejectExposed)
		_, err := r.Create(w.Context(), "/box/x", nil, core.Persistent)
		require.ErrorIs(w, err, core.ErrExposed)
		require.ErrorIs(w, err, core.ErrNoAuth)
		require.NotContains(w, err.Error(), "zk:")
	})
}

// A znode that several processes write is checked for the right to write.
func TestExposedWrite(t *testing.T) {
	inWorld(t, func(w *world) {
		w.openTo("/config", core.PermRead, "world", "anyone")
		w.openTo("/config/key", core.PermRead|core.PermWrite, "world", "anyone")
		p, logs := w.owner(core.WarnExposed)
		require.NoError(w, p.AdmitWrite(w.Context(), "/config/key"))
		lines := logs.warnings()
		require.Len(w, lines, 1)
		require.Contains(w, lines[0], "anyone may write it")
		require.Contains(w, lines[0], "they can replace its value")
		r, _ := w.owner(core.RejectExposed)
		require.ErrorIs(w, r.AdmitWrite(w.Context(), "/config/key"), core.ErrExposed)
		require.NoError(w, r.AdmitWrite(w.Context(), "/config/missing"))
		time.Sleep(2 * time.Second) // a check is trusted for a second
		w.grant("/config", core.PermDelete, "world", "anyone")
		w.grant("/config/key", core.PermRead, "world", "anyone")
		require.ErrorIs(w, r.AdmitWrite(w.Context(), "/config/key"), core.ErrExposed)
	})
}

// A session remembers a bounded number of directories, and a server that fails
// is not asked without end.
func TestExposedIsBounded(t *testing.T) {
	inWorld(t, func(w *world) {
		p, _ := w.owner(core.WarnExposed)
		for i := range 1200 {
			_, err := p.session().CreateWithParents(w.Context(), fmt.Sprintf("/d%d/k", i), nil)
			require.NoError(w, err)
		}
		require.LessOrEqual(w, core.Vetted(p.session()), 1000)
	})
}

// The server tells which identity a login has. An old server does not: then the
// identities of its scheme cannot be compared. It is asked at most once.
func TestExposedIdentities(t *testing.T) {
	test := func(old bool, opts ...zktest.Option) func(t *testing.T) {
		return func(t *testing.T) {
			inWorld(t, func(w *world) {
				for path, id := range map[string]string{"/anns": "ann", "/bobs": "bob"} {
					w.Put(path, "")
					require.NoError(w, w.Srv.SetACL(path, zktest.ACL{Perms: core.PermAll, Scheme: "sasl", ID: id},
						zktest.ACL{Perms: core.PermRead | core.PermCreate, Scheme: "sasl", ID: "ann"}))
				}
				w.Put("/open", "")
				p := w.process(asUser("ann"), func(cfg *core.Config) { cfg.Directories = core.RejectExposed })
				enter := func(dir string) (err error) {
					_, err = p.session().Enter(w.Context(), dir, "lock-", nil)
					return err
				}
				counts := w.Count(func() {
					require.ErrorIs(w, enter("/open"), core.ErrExposed)
				})
				require.Zero(w, counts["whoAmI"], "no identity is compared")
				counts = w.Count(func() {
					err := enter("/bobs")
					require.ErrorIs(w, err, core.ErrExposed)
					require.Contains(w, err.Error(), "sasl:bob may create and delete znodes there")
					require.Equal(w, old, strings.Contains(err.Error(), "the server does not tell the identities of this session"))
					if err := enter("/anns"); old {
						require.ErrorIs(w, err, core.ErrExposed)
					} else {
						require.NoError(w, err)
					}
					require.ErrorIs(w, enter("/bobs"), core.ErrExposed)
				})
				require.Equal(w, 1, counts["whoAmI"])
			}, append(opts, zktest.SASL(saslUsers))...)
		}
	}
	t.Run("told", test(false))
	t.Run("not told", test(true, zktest.NoOps(zktest.OpWhoAmI)))
}
