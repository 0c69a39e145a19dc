package core_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// logBuffer collects log lines.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// warnings returns the lines about rights since the last call, once all
// goroutines wait.
func (b *logBuffer) warnings() (lines []string) {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	for line := range strings.Lines(b.buf.String()) {
		if strings.Contains(line, "others have rights") {
			lines = append(lines, line)
		}
	}
	b.buf.Reset()
	return lines
}

// owner is a process with credentials and the ACL of the creator.
func (w *world) owner(policy core.DirectoryPolicy, change ...func(*core.Config)) (*process, *logBuffer) {
	w.Helper()
	logs := new(logBuffer)
	return w.process(append([]func(*core.Config){func(cfg *core.Config) {
		cfg.Auth = []core.Credential{core.Digest("owner", "secret")}
		cfg.ACL = core.CreatorACL()
		cfg.Directories = policy
		cfg.Logger = slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}}, change...)...), logs
}

// openTo makes a directory that grants the identity the permissions, and the
// owner all of them.
func (w *world) openTo(path string, perms int32, scheme, id string) {
	w.Helper()
	w.Put(path, "")
	w.grant(path, perms, scheme, id)
}

func (w *world) grant(path string, perms int32, scheme, id string) {
	w.Helper()
	mine := core.DigestACL(core.PermAll, "owner", "secret")[0]
	require.NoError(w, w.Srv.SetACL(path, zktest.ACL{Perms: mine.Perms, Scheme: mine.Scheme, ID: mine.ID},
		zktest.ACL{Perms: perms, Scheme: scheme, ID: id}))
}

// creates are the ways to create a znode in a directory.
var creates = map[string]func(ctx context.Context, s *core.Session, dir string) error{
	"Enter": func(ctx context.Context, s *core.Session, dir string) error {
		_, err := s.Enter(ctx, dir, "lock-", nil)
		return err
	},
	"EnterUnlisted": func(ctx context.Context, s *core.Session, dir string) error {
		_, err := s.EnterUnlisted(ctx, dir, "lock-", nil)
		return err
	},
	"EnterExisting": func(ctx context.Context, s *core.Session, dir string) error {
		_, err := s.EnterExisting(ctx, dir, "lock-", nil)
		return err
	},
	"Claim": func(ctx context.Context, s *core.Session, dir string) error {
		_, err := s.Claim(ctx, dir+"/one", nil)
		return err
	},
	"Create": func(ctx context.Context, s *core.Session, dir string) error {
		_, err := s.Create(ctx, dir+"/key", nil, core.Persistent)
		return err
	},
	"Create of an ephemeral": func(ctx context.Context, s *core.Session, dir string) error {
		_, err := s.Create(ctx, dir+"/member", nil, core.Ephemeral)
		return err
	},
	"CreateWithParents": func(ctx context.Context, s *core.Session, dir string) error {
		_, err := s.CreateWithParents(ctx, dir+"/deep", nil)
		return err
	},
	"Txn": func(ctx context.Context, s *core.Session, dir string) error {
		_, err := s.Txn(ctx, core.CheckOp(dir, core.AnyVersion), core.CreateOp(dir+"/t", nil, core.Persistent))
		return err
	},
}

// With an ACL, a directory that a stranger made first is reported once, or
// rejected before anything is created.
func TestFault46_StrangersDirectory(t *testing.T) {
	for name, create := range creates {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.Put("/locks", "") // open to anyone
				warned, logs := w.owner(core.WarnExposed)
				require.NoError(w, create(w.Context(), warned.session(), "/locks"))
				lines := logs.warnings()
				require.Len(w, lines, 1)
				for _, part := range []string{"path=/locks", "anyone may create and delete znodes there", "change its ACL",
					"they can delete the znodes of this program", "docent acl check /locks"} {
					require.Contains(w, lines[0], part)
				}
				before := w.Srv.Paths()
				rejecting, _ := w.owner(core.RejectExposed)
				err := create(w.Context(), rejecting.session(), "/locks")
				require.ErrorIs(w, err, core.ErrExposed)
				require.Contains(w, err.Error(), "anyone may create and delete znodes there")
				require.Contains(w, err.Error(), `"docent acl check /locks"`)
				require.Equal(w, before, w.Srv.Paths(), "nothing was created")

				open := w.process() // without an ACL nothing is checked
				w.Put("/free", "")
				counts := w.Count(func() { require.NoError(w, create(w.Context(), open.session(), "/free")) })
				require.Zero(w, counts["getACL"])
				ignoring, logs := w.owner(core.IgnoreExposed)
				w.Put("/ignored", "")
				counts = w.Count(func() { require.NoError(w, create(w.Context(), ignoring.session(), "/ignored")) })
				require.Zero(w, counts["getACL"])
				require.Empty(w, logs.warnings())
			})
		})
	}
}

// A directory is read once in a session, and reported once by a Manager.
func TestExposedCost(t *testing.T) {
	inWorld(t, func(w *world) {
		w.Put("/locks", "")
		p, logs := w.owner(core.WarnExposed)
		counts := w.Count(func() {
			for range 10 {
				p.enter("/locks")
			}
		})
		require.Equal(w, 1, counts["getACL"])
		require.Len(w, logs.warnings(), 1)
		old := p.session()
		w.Srv.Expire(old.ID())
		next := p.next(old)
		counts = w.Count(func() {
			_, err := next.Enter(w.Context(), "/locks", "lock-", nil)
			require.NoError(w, err)
		})
		require.Equal(w, 1, counts["getACL"], "the next session checks again")
		require.Empty(w, logs.warnings(), "and is silent")

		r, _ := w.owner(core.RejectExposed)
		counts = w.Count(func() {
			for range 10 {
				r.enter("/private")
			}
		})
		require.LessOrEqual(w, counts["getACL"], 2, "before the directory exists, and once it does")
		require.Equal(w, 11, counts["getChildren2"], "one of each create, and one of the create before the directory existed")
	})
}

// The background check delays no create.
func TestExposedWarningCostsNoRoundTrip(t *testing.T) {
	inWorld(t, func(w *world) {
		w.Put("/locks", "")
		p, logs := w.owner(core.WarnExposed)
		hanging := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpGetACL {
				return zktest.Delay(time.Second)
			}
			return zktest.Pass
		})
		defer hanging()
		start := time.Now()
		p.enter("/locks")
		require.Zero(w, time.Since(start))
		time.Sleep(2 * time.Second)
		require.Len(w, logs.warnings(), 1)
	})
}

// A stranger deletes the empty directory, and makes it again.
func TestFault46_DirectoryIsMadeAgain(t *testing.T) {
	for name, create := range creates {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.openTo("/locks", core.PermRead, "world", "anyone")
				warned, logs := w.owner(core.WarnExposed)
				rejecting, _ := w.owner(core.RejectExposed)
				for _, p := range []*process{warned, rejecting} {
					if name == "CreateWithParents" || name == "Create" || name == "Txn" || name == "Claim" || strings.HasPrefix(name, "Create of") {
						require.NoError(w, creates["Enter"](w.Context(), p.session(), "/locks"))
					} else {
						require.NoError(w, create(w.Context(), p.session(), "/locks"))
					}
				}
				require.Empty(w, logs.warnings())
				for _, path := range w.Srv.Paths() {
					if strings.HasPrefix(path, "/locks/") {
						w.Remove(path)
					}
				}
				w.Remove("/locks")
				w.Put("/locks", "") // the stranger's
				time.Sleep(2 * time.Second)
				before := w.Srv.Paths()
				err := create(w.Context(), rejecting.session(), "/locks")
				require.ErrorIs(w, err, core.ErrExposed)
				synctest.Wait()
				require.Equal(w, before, w.Srv.Paths(), "nothing is left")
				if name == "Enter" {
					require.NoError(w, create(w.Context(), warned.session(), "/locks"))
					require.Len(w, logs.warnings(), 1, "the list shows another directory")
				}
			})
		})
	}
}

// The directory is replaced between the check and the create of a hold.
func TestFault46_DirectoryIsMadeAgainInBetween(t *testing.T) {
	for _, name := range []string{"Enter", "EnterUnlisted", "EnterExisting", "Claim", "Create of an ephemeral"} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.openTo("/locks", core.PermRead, "world", "anyone")
				p, _ := w.owner(core.RejectExposed)
				w.Once(func(r zktest.Request) bool { return r.Op.String() == "create" || r.Op.String() == "create2" }, func() zktest.Action {
					w.Remove("/locks")
					w.Put("/locks", "")
					return zktest.Pass
				})
				require.ErrorIs(w, creates[name](w.Context(), p.session(), "/locks"), core.ErrExposed)
				synctest.Wait()
				for _, path := range w.Srv.Paths() {
					require.False(w, strings.HasPrefix(path, "/locks/"), path)
				}
			})
		})
	}
}

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

// A program that ends at once does not lose its warning. A server that hangs
// delays the end by a second.
func TestExposedWarningBeforeClose(t *testing.T) {
	inWorld(t, func(w *world) {
		w.Put("/config", "")
		hang := time.Duration(0)
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpGetACL {
				return zktest.Delay(hang)
			}
			return zktest.Pass
		})
		for _, delay := range []time.Duration{0, 500 * time.Millisecond, time.Hour} {
			hang = delay
			p, logs := w.owner(core.WarnExposed)
			_, err := p.CreateWithParents(w.Context(), fmt.Sprintf("/config/%v", delay), nil)
			require.NoError(w, err)
			start := time.Now()
			require.NoError(w, p.Close())
			if delay < time.Second {
				require.Len(w, logs.warnings(), 1)
				require.Equal(w, delay, time.Since(start))
			} else {
				require.Empty(w, logs.warnings())
				require.LessOrEqual(w, time.Since(start), 3*time.Second)
			}
		}
	})
}

func TestSetACL(t *testing.T) {
	inWorld(t, func(w *world) {
		w.Put("/a", "")
		p, _ := w.owner(core.IgnoreExposed)
		stat, err := p.SetACL(w.Context(), "/a", core.CreatorACL(), 0)
		require.NoError(w, err)
		require.Equal(w, int32(1), stat.Aversion)
		_, err = p.SetACL(w.Context(), "/a", core.CreatorACL(), 0)
		require.ErrorIs(w, err, core.ErrBadVersion)
		_, err = p.SetACL(w.Context(), "/missing", core.CreatorACL(), core.AnyVersion)
		require.ErrorIs(w, err, core.ErrNoNode)
		_, err = p.SetACL(w.Context(), "bad", core.CreatorACL(), core.AnyVersion)
		require.ErrorContains(w, err, "set acl bad")
		stranger := w.process()
		_, err = stranger.SetACL(w.Context(), "/a", core.WorldACL(core.PermAll), core.AnyVersion)
		require.ErrorIs(w, err, core.ErrNoAuth)
		_, err = stranger.SetACL(w.Context(), "/", core.CreatorACL(), core.AnyVersion)
		require.ErrorIs(w, err, core.ErrInvalidACL)
		acl, _, err := p.ACL(w.Context(), "/a")
		require.NoError(w, err)
		require.Equal(w, core.DigestACL(core.PermAll, "owner", "secret"), acl)
	})
}
