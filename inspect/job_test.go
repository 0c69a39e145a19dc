package inspect

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestRead_job(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		o := lock.NewOnce(a.Manager, "/jobs/report", time.Hour, lock.ID("a"))
		began := time.Now().Truncate(time.Millisecond)
		r, err := o.Start(w.Context())
		require.NoError(w, err)
		waiting := testworld.Go(w, lock.NewOnce(b.Manager, "/jobs/report", time.Hour, lock.ID("b"), lock.WaitForRun()).Start)
		require.True(w, waiting.Waiting())
		time.Sleep(time.Minute)

		j := at[*Job](w, report(w, b, "/"), "/jobs/report")
		require.Equal(w, JobRunning, j.State)
		require.Equal(w, "a", j.By.ID)
		require.NotZero(w, j.By.PID)
		require.NotEmpty(w, j.By.Host)
		require.Equal(w, session.ID(a.Current().ID()), j.By.Session)
		require.Equal(w, r.Token(), j.By.Token)
		require.Equal(w, r.Path(), j.By.Path)
		require.Equal(w, began, j.By.Since)
		require.Equal(w, began, j.Called)
		require.Zero(w, j.Ended)
		require.Equal(w, []string{"b"}, ids(j.Waiting))
		require.Equal(w, []Layout{Docent}, j.Layouts)
		require.Empty(w, j.Abandoned)
		require.Equal(w, []string{"plain /", "plain /jobs", "job /jobs/report"}, kinds(report(w, b, "/")))
		require.Equal(w, JobRunning, at[*Job](w, report(w, b, "/jobs/report"), "/jobs/report").State)

		require.NoError(w, r.End(nil))
		_, err = waiting.Result()
		require.ErrorIs(w, err, lock.ErrNotDue)
		j = at[*Job](w, report(w, b, "/"), "/jobs/report")
		require.Equal(w, JobDone, j.State)
		require.Equal(w, "a", j.By.ID)
		require.Equal(w, began, j.By.Since)
		require.Zero(w, j.By.Token)
		require.Equal(w, began.Add(time.Minute), j.Ended)
		require.Empty(w, j.Waiting)

		time.Sleep(time.Hour)
		r, err = o.Start(w.Context())
		require.NoError(w, err)
		a.Expire()
		<-r.Done()
		require.Error(w, r.End(nil))
		synctest.Wait()
		j = at[*Job](w, report(w, b, "/"), "/jobs/report")
		require.Equal(w, JobLost, j.State)
		require.Zero(w, j.Ended)
	})
}

// A record of no run, and what is not a record although there are calls below
// it.
func TestRead_jobWithoutRuns(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Put("/jobs/new", `{"once":"never"}`)
		j := at[*Job](w, report(w, p, "/"), "/jobs/new")
		require.Equal(w, JobNever, j.State)
		require.Nil(w, j.By)
		require.Zero(w, j.Called)
		text, err := json.Marshal(j)
		require.NoError(w, err)
		require.NotContains(w, string(text), "0001-01-01")

		call := "/_c_0c42bf25-0f3d-4b3c-9d0c-6f2f3f4a5b6c-once-0000000001"
		w.Put("/jobs/other", "x")
		w.Put("/jobs/other"+call, "")
		at[*Plain](w, report(w, p, "/"), "/jobs/other")
		remove := w.Fail(zktest.OpGetData, "/jobs/hidden", zktest.CodeNoAuth)
		defer remove()
		w.Put("/jobs/hidden", `{"once":"never"}`)
		w.Put("/jobs/hidden"+call, "")
		at[*Plain](w, report(w, p, "/"), "/jobs/hidden")
		require.Equal(w, session.Connected, p.State())
	})
}
