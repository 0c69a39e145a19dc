package ui

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// looked reports whether the ensemble is read.
func (b *bubble) looked() bool {
	b.server.feed.mu.Lock()
	defer b.server.feed.mu.Unlock()
	return b.server.feed.stop != nil
}

// The ensemble is read once for all viewers, and not for long after the last
// viewer has gone.
func TestNobodyLooks(t *testing.T) {
	inBubble(t, nil, func(b *bubble) {
		f, linger := b.server.feed, b.server.cfg.limits.linger
		never := func(time.Time) error { return nil }
		require.False(b, b.looked())
		first, second := f.join(never), f.join(never)
		first.leave()
		first.leave()
		time.Sleep(2 * linger)
		require.True(b, b.looked(), "the second viewer looks")
		second.leave()
		time.Sleep(linger - 1)
		require.True(b, b.looked())
		third := f.join(never)
		time.Sleep(2 * linger)
		require.True(b, b.looked(), "the third viewer looks")
		third.leave()
		time.Sleep(linger)
		synctest.Wait()
		require.False(b, b.looked())
		f.work.Wait()
		require.NotZero(b, b.requests())
		idle := b.requests()
		time.Sleep(time.Minute)
		require.LessOrEqual(b, b.requests()-idle, 60, "pings alone")
	})
}

// requests returns how many requests the ensemble has got.
func (b *bubble) requests() (n int) {
	for _, count := range b.zk.Counts() {
		n += count
	}
	return n
}

// A viewer that comes and goes has the ensemble read no more often than one that
// stays.
func TestViewersThatComeAndGo(t *testing.T) {
	inBubble(t, nil, func(b *bubble) {
		b.big(100 << 10)
		before := b.requests()
		first := b.dial(askEvents)
		first.until("report")
		require.NoError(b, first.Close())
		synctest.Wait()
		once := b.requests() - before
		before = b.requests()
		for range 100 {
			c := b.dial(askEvents)
			c.until("report")
			require.NoError(b, c.Close())
			synctest.Wait()
			time.Sleep(20 * time.Millisecond)
		}
		require.Less(b, b.requests()-before, 20*once)
	})
}
