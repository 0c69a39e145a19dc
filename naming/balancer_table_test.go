package naming_test

import (
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/docent-go/docent/naming"
)

// BenchmarkTable makes the table of the guide:
//
//	go test ./naming -run '^$' -bench BenchmarkTable
//
// Each row has the time of a pick and
//   - busiest/mean: the keys of the busiest instance against the mean, of 4,000
//     keys for each instance, and four million at most;
//   - %moved and %needless: the keys that move when one instance leaves, and
//     those of them that it did not have;
//   - KiB: what the balancer holds, its account of the instances among it;
//   - ms/new and ms/change: until a balancer is prepared for the first time, and
//     when one instance leaves or comes back, in the fastest of ten runs.
func BenchmarkTable(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 5000} {
		b.Run(fmt.Sprintf("hash/%d", n), func(b *testing.B) { tableRow(b, naming.Hash(), n) })
	}
	for _, s := range []struct {
		name     string
		strategy naming.Strategy
	}{
		{"hash-bounded", naming.Hash(naming.BoundedLoad(1.25))},
		{"sticky-hash", naming.Sticky(naming.Hash())},
		{"round-robin", naming.RoundRobin()},
		{"random", naming.Random()},
		{"weighted", naming.Weighted()},
		{"least-pending", naming.LeastPending()},
	} {
		b.Run(s.name+"/100", func(b *testing.B) { tableRow(b, s.strategy, 100) })
	}
}

func tableRow(b *testing.B, strategy naming.Strategy, n int) {
	all := instances(n)
	list := naming.NewList(all...)
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	bal := naming.NewBalancer(list, strategy)
	refresh := func(bal *naming.Balancer[naming.Instance]) {
		if err := bal.Refresh(); err != nil {
			b.Fatal(err)
		}
	}
	refresh(bal)
	held := heap() - before
	begin := fastest(func() { refresh(naming.NewBalancer(list, strategy)) })

	keys := min(4000*n, 4_000_000)
	of, got, busiest := make([]string, keys), make(map[string]int, n), 0
	key := func(i int) string { return "key-" + strconv.Itoa(i) }
	for i := range of {
		of[i] = pick(b, bal, key(i))
		got[of[i]]++
		busiest = max(busiest, got[of[i]])
	}
	change := fastest(func() {
		list.Set(all[:n-1])
		refresh(bal)
		list.Set(all)
		refresh(bal)
	}) / 2

	list.Set(all[:n-1])
	refresh(bal)
	moved, needless := 0, 0
	for i, id := range of {
		if pick(b, bal, key(i)) != id {
			moved++
			if id != all[n-1].ID {
				needless++
			}
		}
	}
	list.Set(all)
	refresh(bal)

	few := make([]string, 4096)
	for i := range few {
		few[i] = key(i)
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		p, err := bal.Pick(few[i%len(few)])
		if err != nil {
			b.Fatal(err)
		}
		p.Done(nil)
		i++
	}
	b.ReportMetric(float64(busiest)*float64(n)/float64(keys), "busiest/mean")
	b.ReportMetric(100*float64(moved)/float64(keys), "%moved")
	b.ReportMetric(100*float64(needless)/float64(keys), "%needless")
	b.ReportMetric(float64(held)/1024, "KiB")
	b.ReportMetric(begin.Seconds()*1000, "ms/new")
	b.ReportMetric(change.Seconds()*1000, "ms/change")
}

// fastest is how long f takes at best.
func fastest(f func()) time.Duration {
	best := time.Hour
	for range 10 {
		begun := time.Now()
		f()
		best = min(best, time.Since(begun))
	}
	return best
}
