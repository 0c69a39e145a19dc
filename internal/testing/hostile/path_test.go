package hostile_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/hostile"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// mutes are the answers that never arrive, for some of the seeds.
var mutes = []func(zktest.Op) bool{
	nil,
	func(op zktest.Op) bool { return op == zktest.OpPing },
	nil,
	func(op zktest.Op) bool { return op != zktest.OpPing && op != zktest.OpConnect && op != 0 },
	nil,
	func(op zktest.Op) bool { return op == zktest.OpMulti },
	nil,
	func(op zktest.Op) bool {
		return op == zktest.OpSetWatches || op == zktest.OpSetWatches2 || op == zktest.OpAddWatch
	},
	nil,
	func(op zktest.Op) bool { return op == 0 },
}

// An attacker on the path who drops, repeats, delays and exchanges frames makes
// no recipe panic, hang, or ask without pauses, and leaves no goroutine. Once
// the path is honest, the recipe works again.
func TestFault44_Paths(t *testing.T) {
	seeds := uint64(len(mutes))
	if testing.Short() {
		seeds = 2
	}
	for name, use := range recipes {
		attacks := 0
		for seed := range seeds {
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				testworld.Run(t, func(w *testworld.World) {
					path := hostile.NewPath(seed, []float64{0.03, 0.1, 0.3}[seed%3], mutes[seed])
					underLies(w, use, path)
					attacks += path.Attacks()
				})
			})
		}
		require.NotZero(t, attacks, "%s: no frame was attacked", name)
	}
}
