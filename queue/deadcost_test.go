package queue_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// bury makes so many dead letters.
func (u *user) bury(many int) {
	u.w.Helper()
	for i := range many {
		u.put(fmt.Sprint(i))
		require.NoError(u.w, u.take().Reject("unwanted"))
	}
	time.Sleep(time.Second) // no claim is watched any more
}

// Dead letters are read in batches, the first of them small.
func TestCostsOfDeadLetters(t *testing.T) {
	run(t, func(w world) {
		const many = 200
		w.user().bury(many)
		u := w.user()
		w.Costs([]testworld.Step{
			{Name: "Dead", Want: testworld.Counts{"getChildren2": 1, "multiRead": 5}, Do: func() {
				for i, l := range u.letters() {
					require.Equal(w, fmt.Sprint(i), string(l.Data))
				}
			}},
			{Name: "Dead that is left at once", Want: testworld.Counts{"getChildren2": 1, "multiRead": 1}, Do: func() {
				for _, err := range u.Dead(w.Context()) {
					require.NoError(w, err)
					break
				}
			}},
		})
		var first string
		for l := range u.Dead(w.Context()) {
			first = l.ID
			break
		}
		w.Costs([]testworld.Step{
			{Name: "Redrive of one", Want: testworld.Counts{"multiRead": 1, "getACL": 1, "multi": 1}, Do: func() {
				n, err := u.Redrive(w.Context(), first)
				require.NoError(w, err)
				require.Equal(w, 1, n)
			}},
			{Name: "Redrive of all", Want: testworld.Counts{"getChildren2": 1, "multiRead": 5, "getACL": many - 1, "multi": many - 1}, Do: func() {
				n, err := u.Redrive(w.Context())
				require.NoError(w, err)
				require.Equal(w, many-1, n)
			}},
		})
		require.Empty(w, u.letters())
		require.Len(w, u.entries(), many)
	})
}

// Other clients write into a letter, or take it, after it was read in a batch:
// Redrive puts back the data that the letter holds at that moment.
func TestRedriveOfALetterThatChanges(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		u.bury(3)
		letters := u.letters()
		second, third := path+"/dead/"+letters[1].ID, path+"/dead/"+letters[2].ID
		w.Once(on(zktest.OpMulti, path+"/dead/"+letters[0].ID), func() zktest.Action {
			w.Put(second, `{"reason":"other"}`+"\nother")
			w.Remove(third)
			return zktest.Pass
		})
		n, err := u.Redrive(w.Context())
		require.NoError(w, err)
		require.Equal(w, 2, n)
		require.Empty(w, u.letters())
		var data []string
		for _, e := range u.entries() {
			data = append(data, string(e.Data))
		}
		require.Equal(w, []string{"0", "other"}, data)
	})
}

// An ID that is not a letter's ends Redrive before any letter is put back.
func TestRedriveBeginsWithTheIDs(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		u.bury(2)
		letters := u.letters()
		n, err := u.Redrive(w.Context(), letters[0].ID, "nonsense", letters[1].ID)
		require.Zero(w, n)
		require.ErrorContains(w, err, "nonsense")
		require.Equal(w, letters, u.letters())
		n, err = u.Redrive(w.Context(), letters[0].ID, letters[1].ID, letters[1].ID)
		require.NoError(w, err)
		require.Equal(w, 2, n, "what has gone, and what is named twice, is passed over")
		require.Len(w, u.entries(), 2)
	})
}
