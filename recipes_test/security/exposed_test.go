package security

import (
	"bytes"
	"log/slog"
	gopath "path"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// lines collects log lines.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.buf.Reset()
	return l.buf.String()
}

func (w *world) policy(t *testing.T, policy session.DirectoryPolicy) (*session.Manager, *lines) {
	t.Helper()
	logs := new(lines)
	return ensemble.Dial(t, patience, session.Config{
		Servers: w.servers, Dialer: w.dial, Timeout: lasting, Auth: ownersAuth, ACL: session.CreatorACL(), Directories: policy,
		Logger: slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}), logs
}

// With an ACL, every recipe warns of directories that a stranger has made, and
// rejects them if that is the policy. In a tree of the owner's, neither happens.
func TestFault46_EveryRecipe(t *testing.T) {
	onBoth(t, func(w *world) {
		stranger := w.session(w.t, who{})
		forEach(w, func(t *testing.T, r recipe, path string) {
			// The stranger makes every directory that the recipe uses.
			trial, _ := w.policy(t, session.IgnoreExposed)
			require.NoError(t, r.use(within(t), trial, path, func() {}))
			require.NoError(t, trial.Close())
			opened := "/opened" + path
			require.NoError(t, stranger.EnsureDir(within(t), gopath.Dir(opened)))
			for at, n := range w.tree(path) {
				data, _, err := w.bare.Get(at)
				require.NoError(t, err)
				if n.owner == 0 && len(data) == 0 {
					require.NoError(t, stranger.EnsureDir(within(t), "/opened"+at))
				}
			}

			rejecting, _ := w.policy(t, session.RejectExposed)
			before := paths(w.tree(gopath.Dir(opened)))
			require.ErrorIs(t, r.use(within(t), rejecting, opened, func() {}), session.ErrExposed, r.name)
			require.ErrorContains(t, r.use(within(t), rejecting, opened, func() {}), "docent acl check /opened")
			require.ElementsMatch(t, before, paths(w.tree(gopath.Dir(opened))), "%s: something was made", r.name)
			require.NoError(t, r.use(within(t), rejecting, "/own"+path, func() {}), r.name)
			require.NoError(t, rejecting.Close())

			warning, logs := w.policy(t, session.WarnExposed)
			require.NoError(t, r.use(within(t), warning, opened, func() {}), r.name)
			require.NoError(t, warning.Close())
			told := logs.take()
			require.Contains(t, told, "others have rights on a directory", r.name)
			require.Contains(t, told, "anyone may create and delete znodes there")
			for line := range strings.Lines(told) {
				require.Contains(t, line, "/opened", "%s: only the stranger's directories", r.name)
			}
			warning, logs = w.policy(t, session.WarnExposed)
			require.NoError(t, r.use(within(t), warning, "/own"+path, func() {}), r.name)
			require.NoError(t, warning.Close())
			require.NotContains(t, logs.take(), "others have rights", r.name)
		})
	})
}
