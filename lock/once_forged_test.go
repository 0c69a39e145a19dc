package lock_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
)

// A record claims a run of the far future or past: a stranger has written it, or
// it was copied from another ensemble, whose zxids are greater. The job runs
// again after the interval, as the error says.
func TestFault44_ForgedRecordOfARun(t *testing.T) {
	for _, zxid := range []int64{math.MinInt64, 0, 1 << 40, math.MaxInt64} {
		for _, called := range []int64{math.MinInt64, 0, 1 << 60, math.MaxInt64} {
			for _, state := range []string{"done", "failed", "running"} {
				t.Run(fmt.Sprintf("%s/%d/%d", state, zxid, called), func(t *testing.T) {
					testworld.Run(t, func(w *testworld.World) {
						p := w.Process()
						w.Put(job, fmt.Sprintf(`{"once":%q,"host":"h","pid":1,"session":"0x1","run":"_c_00000000-0000-4000-8000-000000000000-once-0000000007","zxid":%d,"called":%d,"began":%d}`, state, zxid, called, called))
						time.Sleep(every)
						require.NoError(w, begins(w, once(p)).End(nil))
						require.Equal(w, lock.RunDone, last(w, once(p)).State)
						time.Sleep(every)
						require.NoError(w, begins(w, once(p)).End(nil))
					})
				})
			}
		}
	}
}

// A stranger chooses the names in a record. The error that names the run is one
// short line nevertheless.
func TestFault44_ForgedNamesOfARun(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		for _, name := range []string{"a\nb", "\x1b[31mred", "\u202eright to left", strings.Repeat("long", 50_000)} {
			data, err := json.Marshal(map[string]any{
				"once": "done", "id": name, "host": name, "pid": 1, "session": "0x1", "zxid": 1,
				"run": "_c_00000000-0000-4000-8000-000000000000-once-0000000007", "called": time.Now().UnixMilli(), "began": 1,
			})
			require.NoError(w, err)
			w.Put(job, string(data))
			_, err = once(p).Start(w.Context())
			require.ErrorIs(w, err, lock.ErrNotDue)
			require.Less(w, len(err.Error()), 1000)
			require.NotContains(w, err.Error(), "\n")
			for _, r := range err.Error() {
				require.True(w, unicode.IsPrint(r), "%U", r)
			}
		}
	})
}
