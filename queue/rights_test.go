package queue_test

import (
	"strings"
	"testing"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testworld"
	"github.com/docent-go/docent/queue"
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
		var letters []queue.Letter
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
		require.ErrorIs(w, err, zk.ErrNoAuth)
	})
}

// A directory that may not be read has no length, on every server.
func TestFault38_LenOfAHiddenQueue(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		_, err := queue.New(owner.Manager, "/q").Put(w.Context(), []byte("a"))
		require.NoError(w, err)
		_, err = queue.New(w.Process().Manager, "/q").Len(w.Context())
		require.ErrorIs(w, err, zk.ErrNoAuth)
	})
}

// Discard deletes what bears a letter's name, and nothing else.
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
			require.ErrorContains(w, err, "is no dead letter's ID", stranger)
			_, err = q.Redrive(w.Context(), stranger)
			require.ErrorContains(w, err, "is no dead letter's ID", stranger)
			require.Equal(w, "x", w.Data("/q/dead/"+stranger))
		}
		n, err := q.Discard(w.Context(), letter)
		require.NoError(w, err)
		require.Equal(w, 1, n)
	})
}
