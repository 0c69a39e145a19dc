package zktest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

func TestStepClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		stamped := func() time.Duration {
			require.NoError(t, s.Put("/a", nil))
			n, _ := s.Node("/a")
			return time.UnixMilli(n.Stat.Mtime).Sub(time.Now().Truncate(time.Millisecond))
		}
		require.Zero(t, stamped())
		s.StepClock(-time.Hour)
		require.Equal(t, -time.Hour, stamped())
		s.StepClock(90 * time.Minute)
		require.Equal(t, 30*time.Minute, stamped())
	})
}
