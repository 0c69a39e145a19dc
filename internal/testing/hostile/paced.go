package hostile

import (
	"sync"
	"time"

	"github.com/docent-go/docent/zktest"
)

// Reporter is a test.
type Reporter interface {
	Errorf(format string, args ...any)
	Helper()
}

// The greatest numbers of frames that a paced client gets in 400 ms.
const (
	maxFrames   = 20_000
	maxConnects = 100
)

// Paced is a reaction that fails the test if a client sends requests without
// pauses. In virtual time, such a client would never let time go on: Paced
// sleeps for it.
func Paced(t Reporter, react func(Frame) Reaction) func(Frame) Reaction {
	var mu sync.Mutex
	var begun time.Time
	frames, connects := 0, 0
	return func(f Frame) Reaction {
		mu.Lock()
		if time.Since(begun) > 400*time.Millisecond {
			begun, frames, connects = time.Now(), 0, 0
		}
		if frames++; f.Op == zktest.OpConnect {
			connects++
		}
		if frames > maxFrames || connects > maxConnects {
			t.Errorf("without a pause: %d frames and %d handshakes in %v, the last for a %v", frames, connects, time.Since(begun), f.Op)
			begun, frames, connects = time.Now(), 0, 0
			mu.Unlock()
			time.Sleep(500 * time.Millisecond)
		} else {
			mu.Unlock()
		}
		return react(f)
	}
}
