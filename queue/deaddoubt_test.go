package queue_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/zktest"
)

// buries matches the transaction that makes a dead letter.
func buries(r zktest.Request) bool {
	if r.Op != zktest.OpMulti {
		return false
	}
	for _, part := range r.Ops {
		if len(part.Path) > len(path+"/dead/") && part.Path[:len(path+"/dead/")] == path+"/dead/" {
			return true
		}
	}
	return false
}

// buryingGround has all directories made, so that the first burial is not
// refused.
func (w world) buryingGround() {
	w.Helper()
	u := w.user()
	u.bury(1)
	_, err := u.Discard(w.Context(), u.letters()[0].ID)
	require.NoError(w, err)
}

// The answer to the transaction that makes a dead letter is lost. OnDead is
// called once, whether the transaction was done or not, and whichever consumer
// makes the letter.
func TestOnDeadOfALetterInDoubt(t *testing.T) {
	made := map[string]func(w world, u *user){
		"the attempts are used up": func(w world, u *user) {
			u.put("x")
			require.NoError(w, u.take().Release())
		},
		"malformed": func(w world, _ *user) { w.Put(path+"/items/queue-0000000007", "malformed") },
	}
	for name, put := range made {
		for how, action := range map[string]zktest.Action{"done": zktest.LoseReply, "not done": zktest.DropRequest} {
			t.Run(name+", "+how, func(t *testing.T) {
				run(t, func(w world) {
					w.buryingGround()
					var told []queue.DeadLetter
					put(w, w.user())
					u := w.user(queue.MaxAttempts(1), queue.OnDead(func(l queue.DeadLetter) { told = append(told, l) }))
					w.Once(buries, testworld.Always(action))
					taking := u.taking()
					time.Sleep(time.Minute)
					require.True(w, taking.Waiting())
					require.Len(w, told, 1)
					letters := u.letters()
					require.Len(w, letters, 1)
					require.Equal(w, letters[0].ID, told[0].ID)
					require.Empty(w, w.Children(path+"/claims"))
				})
			})
		}
	}
}

// The answer is lost, and another consumer has made the letter of the item:
// that one calls OnDead, and this one does not.
func TestOnDeadOfALetterThatAnotherHasMade(t *testing.T) {
	run(t, func(w world) {
		var told []string
		user := func(name string) *user {
			return w.user(queue.MaxAttempts(1), queue.OnDead(func(queue.DeadLetter) { told = append(told, name) }))
		}
		w.buryingGround()
		w.user().put("x")
		require.NoError(w, w.user().take().Release())
		a, b := user("a"), user("b")
		lost := false
		id := a.p.Current().ID()
		var other *testworld.Call[*queue.Item]
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if lost || r.Session != id || !buries(r) {
				return zktest.Pass
			}
			lost = true
			a.p.Link.Refuse(true)
			time.AfterFunc(time.Second, func() { other = testworld.Go(w.World, b.Take) })
			time.AfterFunc(2*time.Second, func() { a.p.Link.Refuse(false) })
			return zktest.DropRequest
		})
		one := a.taking()
		time.Sleep(time.Minute)
		require.True(w, one.Waiting())
		require.True(w, other.Waiting())
		require.Equal(w, []string{"b"}, told)
		require.Len(w, a.letters(), 1)
	})
}
