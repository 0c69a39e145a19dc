package naming_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming"
)

func TestPicksDoNotAllocate(t *testing.T) {
	for _, s := range strategies() {
		for _, n := range []int{10, 1000} {
			b := naming.NewBalancer(naming.NewList(instances(n)...), s, naming.DownAfter(3, time.Minute, time.Minute))
			pick(t, b, "10.1.2.3")
			for _, key := range []string{"10.1.2.3", ""} {
				require.Zero(t, testing.AllocsPerRun(1000, func() {
					p, err := b.Pick(key)
					if err != nil {
						t.Fatal(err)
					}
					p.Done(nil)
				}), "%s of %d, key %q", s, n, key)
			}
			for _, in := range instances(n)[:n/2] {
				b.MarkDown(in.ID, time.Hour)
			}
			pick(t, b, "10.1.2.3")
			require.Zero(t, testing.AllocsPerRun(1000, func() {
				if p, err := b.Pick("10.1.2.3"); err == nil {
					p.Done(nil)
				}
			}), "%s of %d, half of them down", s, n)
		}
	}
}

func BenchmarkPick(b *testing.B) {
	for _, s := range []string{"round-robin", "random", "weighted", "least-pending", "hash", "sticky"} {
		strategy, err := naming.ParseStrategy(s)
		if err != nil {
			b.Fatal(err)
		}
		for _, n := range []int{10, 1000, 5000} {
			b.Run(fmt.Sprintf("%s/%d", s, n), func(b *testing.B) {
				all := instances(n)
				for i := range all {
					all[i].Weight = 1 + i%10
				}
				keys := make([]string, 4096)
				for i := range keys {
					keys[i] = fmt.Sprintf("192.168.%d.%d", i/256, i%256)
				}
				bal := naming.NewBalancer(naming.NewList(all...), strategy)
				for _, key := range keys {
					pick(b, bal, key)
				}
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					p, err := bal.Pick(keys[i&4095])
					if err != nil {
						b.Fatal(err)
					}
					p.Done(nil)
					i++
				}
			})
		}
	}
}

func BenchmarkRefresh(b *testing.B) {
	for _, s := range []string{"round-robin", "weighted", "hash", "sticky"} {
		strategy, err := naming.ParseStrategy(s)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(s+"/5000", func(b *testing.B) {
			list := naming.NewList(instances(5000)...)
			bal := naming.NewBalancer(list, strategy)
			for b.Loop() {
				list.Set(list.Load())
				if err := bal.Refresh(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
