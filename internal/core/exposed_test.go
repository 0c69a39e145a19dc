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
