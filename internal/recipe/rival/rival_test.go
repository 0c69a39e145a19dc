package rival

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Rival
		require.Equal(t, 15*time.Second, r.Left(7, 10*time.Second))
		time.Sleep(14 * time.Second)
		require.Equal(t, time.Second, r.Left(7, 40*time.Second), "the end of the wait is fixed")
		time.Sleep(time.Second)
		require.Zero(t, r.Left(7, 10*time.Second))
		require.Equal(t, 15*time.Second, r.Left(8, 10*time.Second), "another znode is waited for anew")
		require.Equal(t, 15*time.Second, r.Left(7, 10*time.Second))
	})
}
