package queue_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// An item, a claim and a letter that may not be read are listed, and so is what
// comes after them.
func TestFault38_HiddenItems(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		w.Put("/q/items", "")
		w.Put("/q/claims", "")
		w.Put("/q/dead", "")
		p := w.Process()
		q, secret := queue.New(p.Manager, "/q"), queue.New(owner.Manager, "/q")
		_, err := secret.Put(w.Context(), []byte("a"))
		require.NoError(w, err)
		_, err = q.Put(w.Context(), []byte("b"))
		require.NoError(w, err)
		claimed, err := secret.Take(w.Context())
		require.NoError(w, err)
		n, err := q.Len(w.Context())
		require.NoError(w, err)
		require.Equal(w, 2, n)
		var all []queue.Entry
		for e, err := range q.List(w.Context()) {
			require.NoError(w, err)
			all = append(all, e)
		}
		require.Len(w, all, 2)
		require.True(w, all[0].Hidden)
		require.NotNil(w, all[0].Claim)
		require.True(w, all[0].Claim.Hidden)
		require.Equal(w, "b", string(all[1].Data))

		require.NoError(w, claimed.Reject("secret"))
		item, err := q.Take(w.Context())
		require.NoError(w, err)
		require.NoError(w, item.Reject("open"))
		var letters []queue.DeadLetter
		for l, err := range q.Dead(w.Context()) {
			require.NoError(w, err)
			letters = append(letters, l)
		}
		require.Len(w, letters, 2)
		require.True(w, letters[0].Hidden)
		require.Equal(w, "open", letters[1].Reason)
		n, err = q.Redrive(w.Context())
		require.NoError(w, err)
		require.Equal(w, 1, n, "what may be read")
		_, err = q.Redrive(w.Context(), letters[0].ID)
		require.ErrorIs(w, err, session.ErrNoAuth)
	})
}

// A directory that may not be read has no length, on every server.
func TestFault38_LenOfAHiddenQueue(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		_, err := queue.New(owner.Manager, "/q").Put(w.Context(), []byte("a"))
		require.NoError(w, err)
		_, err = queue.New(w.Process().Manager, "/q").Len(w.Context())
		require.ErrorIs(w, err, session.ErrNoAuth)
	})
}

// Discard deletes only znodes with a letter's name.
func TestFault25_LettersAlone(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		q := queue.New(p.Manager, "/q")
		_, err := q.Put(w.Context(), []byte("a"))
		require.NoError(w, err)
		item, err := q.Take(w.Context())
		require.NoError(w, err)
		require.NoError(w, item.Reject("bad"))
		var letter string
		for l, err := range q.Dead(w.Context()) {
			require.NoError(w, err)
			letter = l.ID
		}
		name, _, _ := strings.Cut(letter, ".")
		for _, stranger := range []string{"key", name, name + ".properties", name + "."} {
			w.Put("/q/dead/"+stranger, "x")
			_, err := q.Discard(w.Context(), stranger)
			require.ErrorContains(w, err, "is not the ID of a dead letter", stranger)
			_, err = q.Redrive(w.Context(), stranger)
			require.ErrorContains(w, err, "is not the ID of a dead letter", stranger)
			require.Equal(w, "x", w.Data("/q/dead/"+stranger))
		}
		n, err := q.Discard(w.Context(), letter)
		require.NoError(w, err)
		require.Equal(w, 1, n)
	})
}

// A znode that replaces an item has the item's ACL: a session that may not read
// the item must not be able to read the replacement.
func TestFault25_ItemsKeepTheirACL(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		putter := w.Process(testworld.Secretive)
		_, err := queue.New(putter.Manager, "/q").Put(w.Context(), []byte("secret"))
		require.NoError(w, err)
		node := func(dir string) zktest.NodeInfo {
			names := w.Children(dir)
			require.Len(w, names, 1)
			n, _ := w.Srv.Node(dir + "/" + names[0])
			return n
		}
		before := node("/q/items")
		p := w.Process(func(cfg *session.Config) { cfg.Auth = []session.Credential{session.Digest("owner", "secret")} })
		q := queue.New(p.Manager, "/q")
		take := func() *queue.Item {
			item, err := q.Take(w.Context())
			require.NoError(w, err)
			return item
		}
		kept := func(dir, what string) {
			now := node(dir)
			require.NotEqual(w, before.Stat.Czxid, now.Stat.Czxid, what)
			require.Equal(w, before.ACL, now.ACL, what)
			before.Stat.Czxid = now.Stat.Czxid
		}
		require.NoError(w, take().Release(queue.WithoutAttempt()))
		kept("/q/items", "released as if it had not been tried")
		require.NoError(w, take().Release(queue.After(time.Second)))
		kept("/q/items", "kept back")
		time.Sleep(2 * time.Second)
		require.NoError(w, take().Reject("bad"))
		kept("/q/dead", "a dead letter")
		n, err := q.Redrive(w.Context())
		require.NoError(w, err)
		require.Equal(w, 1, n)
		kept("/q/items", "put back")
		require.NoError(w, take().Release())
		once := queue.New(p.Manager, "/q", queue.MaxAttempts(1))
		_, err = once.TryTake(w.Context())
		require.ErrorIs(w, err, queue.ErrEmpty)
		kept("/q/dead", "a dead letter of an unclaimed item")
	})
}

// A session that may not administer an item is not told the hashes of
// passwords. It makes the dead letter with its own ACL.
func TestFault25_MaskedACL(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		readers := []session.ACL{
			session.DigestACL(session.PermAll, "owner", "secret")[0], session.DigestACL(session.PermRead|session.PermWrite|session.PermDelete, "worker", "secret")[0],
		}
		putter := w.Process(func(cfg *session.Config) {
			cfg.Auth = []session.Credential{session.Digest("owner", "secret")}
			cfg.ACL = readers
		})
		w.Put("/q/items", "")
		_, err := queue.New(putter.Manager, "/q").Put(w.Context(), []byte("secret"))
		require.NoError(w, err)
		p := w.Process(func(cfg *session.Config) {
			cfg.Auth = []session.Credential{session.Digest("worker", "secret")}
			cfg.ACL = session.CreatorACL()
		})
		item, err := queue.New(p.Manager, "/q").Take(w.Context())
		require.NoError(w, err)
		require.NoError(w, item.Reject("bad"))
		letter, found := w.Srv.Node("/q/dead/" + w.Children("/q/dead")[0])
		require.True(w, found)
		require.Len(w, letter.ACL, 1)
		require.NotContains(w, letter.ACL[0].ID, ":x")
		require.Contains(w, letter.ACL[0].ID, "worker:")
	})
}

// An ephemeral znode with the name of an item is not an item.
func TestFault25_ClaimsAreNotItems(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		_, err := queue.New(p.Manager, "/q").Put(w.Context(), []byte("a"))
		require.NoError(w, err)
		_, err = queue.New(p.Manager, "/q").Take(w.Context())
		require.NoError(w, err)
		before := w.Srv.Paths()
		q := queue.New(w.Process().Manager, "/wrong", queue.Items("/q/claims"), queue.MaxAttempts(1))
		for range 2 {
			_, err = q.TryTake(w.Context())
			require.ErrorIs(w, err, queue.ErrEmpty)
			require.ErrorContains(w, err, "is not an item: it belongs to the session")
		}
		require.Equal(w, before, w.Srv.Paths())
	})
}
