//go:build unix

package ui

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// An owner with a hidden node is shown as hidden, with the stat that the server
// reveals. It is never shown without a session, or as an instance that is up.
func TestFault38_PageShowsHiddenParties(t *testing.T) {
	for _, release := range []zktest.Release{zktest.V35, zktest.V38, zktest.V39} {
		t.Run(string(release), func(t *testing.T) {
			server := zktest.New(t, zktest.Version(release))
			addr, err := server.Listen("127.0.0.1:0")
			require.NoError(t, err)
			manager := func(change func(*session.Config)) *session.Manager {
				cfg := session.Config{Servers: []string{addr}, Timeout: timeout}
				change(&cfg)
				sm, err := session.Dial(within(t), cfg)
				require.NoError(t, err)
				t.Cleanup(func() { require.NoError(t, sm.Close()) })
				return sm
			}
			guest := manager(func(*session.Config) {})
			owner := manager(func(cfg *session.Config) {
				cfg.Auth, cfg.ACL = []session.Credential{session.Digest("owner", "secret")}, session.CreatorACL()
			})
			for _, dir := range []string{"/locks/secret", "/services/shop"} {
				require.NoError(t, server.Put(dir, nil))
			}
			_, err = lock.NewMutex(owner, "/locks/secret", lock.ID("ann")).Lock(within(t))
			require.NoError(t, err)
			for id, sm := range map[string]*session.Manager{"shop-1": guest, "shop-2": owner} {
				_, err = naming.NewRegistry(sm).Register(within(t), naming.Instance{Service: "shop", ID: id, Address: "10.0.0.1", Port: 80})
				require.NoError(t, err)
			}

			_, _, act := serveActions(t, addr)
			b := open(t, false)
			b.visit(act + "#recipes")
			b.sees("#list", "/locks/secret")
			b.press("/", "secret", enter)
			b.sees("#detail .owner.holds", "(hidden by an ACL)")
			b.sees("#detail .owner.holds", "its znode may not be read")
			shown := func() string {
				return run[string](b, `return [...document.querySelectorAll("#detail .owner")].map((n) => n.innerText).join("\n")`)
			}
			require.NotContains(t, shown(), "no session")
			require.NotContains(t, shown(), "ann")

			b.press("/", "shop", enter)
			b.sees("#detail .owner.holds", "shop-1")
			require.Contains(t, shown(), "shop-2")
			require.NotContains(t, shown(), "no session")
			require.Regexp(t, `(?i)\bhidden\s+shop-2\b`, shown())
			require.Equal(t, 1.0, run[float64](b, `return document.querySelectorAll("#detail button.act").length`), "a hidden instance cannot be drained")
		})
	}
}
