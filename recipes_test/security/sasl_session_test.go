package security

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// session opens a session that logs in. It is closed with the test.
func (s saslServer) session(t *testing.T, user, password string) (*session.Manager, error) {
	t.Helper()
	acl := session.CreatorACL()
	if s.tls != nil { // all users share the certificate here: it would be a creator too
		acl = []session.ACL{{Perms: session.PermAll, Scheme: "sasl", ID: user}}
	}
	sm, err := session.Dial(within(t), session.Config{
		Servers: []string{s.addr}, Dialer: s.dial, TLS: s.tls, Timeout: 30 * time.Second,
		SASL: session.DigestMD5(user, password), ACL: acl,
	})
	if err == nil {
		t.Cleanup(func() { sm.Close() })
	}
	return sm, err
}

func (s saslServer) as(t *testing.T, user string) *session.Manager {
	t.Helper()
	sm, err := s.session(t, user, saslPasswords[user])
	require.NoError(t, err)
	return sm
}

// TestSASLSession uses recipes in sessions that log in, on every server.
func TestSASLSession(t *testing.T) {
	onSASL(t, func(t *testing.T, s saslServer) {
		t.Run("over a restart", func(t *testing.T) { outlivesRestart(t, s) })
		t.Run("refused", func(t *testing.T) {
			start := time.Now()
			_, err := s.session(t, "ann", "guess")
			require.ErrorIs(t, err, session.ErrAuth)
			require.ErrorContains(t, err, "(SASL with DIGEST-MD5): check the user's name, the password, and the Server section of the server's JAAS file")
			require.Less(t, time.Since(start), patience, "the error does not wait for the end of ctx")
		})
		t.Run("not configured", func(t *testing.T) {
			sm, err := session.Dial(within(t), session.Config{Servers: []string{s.addr}, Dialer: s.dial, TLS: s.tls})
			require.NoError(t, err)
			defer sm.Close()
			_, _, err = sm.Get(within(t), "/")
			if !s.required {
				require.NoError(t, err)
				return
			}
			var code *session.CodeError
			require.ErrorAs(t, err, &code)
			require.EqualValues(t, requiresSASL, code.Code)
			require.ErrorContains(t, err, "Config.SASL")
		})
		if s.flags != nil {
			t.Run("the command", s.command)
		}
	})
}

// outlivesRestart keeps a lock, a leader and a watched key over a restart of
// their server: each connection logs in again. Only the user may read the
// nodes.
func outlivesRestart(t *testing.T, s saslServer) {
	ann, other, bob := s.as(t, "ann"), s.as(t, "ann"), s.as(t, "bob")
	held, err := lock.NewMutex(ann, "/sasl/lock").Lock(within(t))
	require.NoError(t, err)
	term, err := election.New(ann, "/sasl/election", election.ID("ann")).Campaign(within(t))
	require.NoError(t, err)
	store := config.NewStore(other, "/sasl")
	_, err = store.Create(within(t), "limit", []byte("1"))
	require.NoError(t, err)
	limit, err := config.Open(within(t), ann, "/sasl/limit", config.JSON[int]())
	require.NoError(t, err)
	defer limit.Close()
	require.Equal(t, 1, limit.Load().Value)
	_, err = config.NewStore(bob, "/sasl").Get(within(t), "limit")
	require.ErrorIs(t, err, session.ErrNoAuth)

	before := held.SessionID()
	for n := 2; n < 4; n++ {
		s.restart()
		_, err = store.Set(within(t), "limit", []byte{byte('0' + n)}, session.AnyVersion)
		require.NoError(t, err)
		for snapshot, err := range limit.Changes(within(t)) {
			require.NoError(t, err)
			if snapshot.Value == n {
				break
			}
		}
		require.NoError(t, ann.Sync(within(t), "/"))
		current, err := ann.Session(within(t))
		require.NoError(t, err)
		require.Equal(t, before, current.ID)
	}
	require.NoError(t, held.Err())
	require.NoError(t, term.Err())
	leader, err := election.New(other, "/sasl/election").Leader(within(t))
	require.NoError(t, err)
	require.Equal(t, "ann", leader.ID)
	_, err = lock.NewMutex(bob, "/sasl/lock").TryLock(within(t))
	require.ErrorIs(t, err, session.ErrNoAuth)
	require.NoError(t, term.Resign())
	require.NoError(t, held.Release())
}

// command runs docent as ann, with the password in a variable and in a file,
// and with a wrong password.
func (s saslServer) command(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(file, []byte(annsPassword+"\n"), 0o600))
	run := func(env []string, args ...string) (int, string) {
		cmd := ensemble.Run(t, env, append(append([]string{"--acl", "creator", "--sasl-user", "ann"}, s.flags...), args...)...)
		code := cmd.Wait(patience)
		require.NotContains(t, cmd.Stdout()+cmd.Stderr(), annsPassword)
		return code, cmd.Stderr()
	}
	code, stderr := run([]string{"DOCENT_SASL_PASSWORD=" + annsPassword}, "lock", "/cmd/lock", "--", "true")
	require.Zero(t, code, stderr)
	code, stderr = run(nil, "--sasl-password-file", file, "config", "set", "/cmd/key", "x", "--create")
	require.Zero(t, code, stderr)
	code, stderr = run([]string{"DOCENT_SASL_PASSWORD=guess"}, "config", "get", "/cmd/key")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "check --sasl-user, and --sasl-password-file or DOCENT_SASL_PASSWORD")
}
