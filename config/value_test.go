package config_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestLastGoodValueStays(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/limits", `{"qps":1}`)
		v := open(w, "/limits", config.JSON[Limits](config.Strict()), config.Validate(positive))
		good := v.Load()
		var errs []error
		go func() {
			for snap, err := range v.Changes(t.Context()) {
				if err != nil {
					require.Equal(t, Limits{QPS: 1}, snap.Value)
					errs = append(errs, err)
				}
			}
		}()
		for i, bad := range []string{`{"qps":`, `{"qps":-1}`, `{"qsp":7}`, ``, `null`, `{"qps":2} trailing`} {
			w.Put("/limits", bad)
			synctest.Wait()
			require.Equal(t, good.Value, v.Load().Value, "after %q", bad)
			require.Equal(t, good.Zxid, v.Load().Zxid)
			require.Len(t, errs, i+1)
			var bve *config.BadValueError
			require.ErrorAs(t, v.Err(), &bve)
			require.EqualValues(t, i+1, bve.Version)
		}
		w.Put("/limits", `{"qps":9}`)
		synctest.Wait()
		require.Equal(t, 9, v.Load().Value.QPS)
		require.NoError(t, v.Err())
		require.Len(t, errs, 6, "each was yielded once")
	})
}

func TestPanickingCodecIsABadValue(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/n", "1")
		codec := config.Codec[int]{Decode: func(data []byte) (int, error) {
			if len(data) > 2 {
				panic("too long")
			}
			return strconv.Atoi(string(data))
		}}
		v := open(w, "/n", codec, config.Validate(func(n int) error { return []error{nil, nil, nil}[n] }))
		for data, reason := range map[string]string{"123": "panic: too long", "99": "panic: runtime error"} {
			w.Put("/n", data)
			synctest.Wait()
			var bad *config.BadValueError
			require.ErrorAs(t, v.Err(), &bad)
			require.ErrorContains(t, bad, reason)
			require.Equal(t, 1, v.Load().Value)
		}
		w.Put("/n", "2")
		await(w, v, becomes(2))
	})
}

func TestDeletionKeepsTheLastGoodValue(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "one")
		v := open(w, "/a", config.Text())
		w.Remove("/a")
		require.Equal(t, config.Snapshot[string]{Value: "one"}, *await(w, v, gone[string]))
		w.Put("/a", "two")
		await(w, v, becomes("two"))
	})
}

func TestAnEmptyValueIsAValue(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "")
		require.True(t, open(w, "/a", config.Bytes()).Load().Exists)
		require.True(t, open(w, "/a", config.Text()).Load().Exists)
		_, err := config.Open(t.Context(), w.sm, "/a", config.JSON[*Limits]())
		require.ErrorContains(t, err, "empty")
	})
}

func TestUnreadableForAWhileThenTheSame(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "{")
		v := open(w, "/a", config.JSON[Limits](), config.Default(Limits{}))
		var yields []string
		go func() {
			for s, err := range v.Changes(t.Context()) {
				var bad *config.BadValueError
				yields = append(yields, fmt.Sprint(s.Exists, errors.As(err, &bad), errors.Is(err, session.ErrNoAuth)))
			}
		}()
		synctest.Wait()
		remove := w.Fail(zktest.OpGetData, "/a", zktest.CodeNoAuth)
		w.Srv.Disconnect(w.p.Current().ID()) // it is read again to confirm it
		time.Sleep(time.Minute)
		synctest.Wait()
		require.ErrorIs(t, v.Err(), session.ErrNoAuth)
		remove()
		time.Sleep(time.Minute)
		synctest.Wait()
		var bad *config.BadValueError
		require.ErrorAs(t, v.Err(), &bad, "what is wrong with the value is known again")
		require.Equal(t, []string{"false false false", "false true false", "false false true"}, yields)
	})
}

func TestChangesSkipsForSlowReadersButNotTheLast(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/n", "0")
		v := open(w, "/n", config.JSON[int]())
		var seen []int
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for s := range v.Changes(ctx) {
				seen = append(seen, s.Value)
				time.Sleep(time.Minute)
				synctest.Wait()
			}
		}()
		for n := 1; n <= 100; n++ {
			time.Sleep(time.Second)
			w.Put("/n", strconv.Itoa(n))
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Equal(t, 0, seen[0])
		require.Equal(t, 100, seen[len(seen)-1])
		require.Less(t, len(seen), 5)
		require.IsIncreasing(t, seen)
		cancel()
	})
}

func TestChangesEnds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "one")
		v := open(w, "/a", config.Text())

		for range v.Changes(t.Context()) {
			break // and nothing is left behind, as the bubble would show
		}

		done, cancel := context.WithCancel(t.Context())
		cancel()
		for range v.Changes(done) {
			require.FailNow(t, "a done ctx beats a present value")
		}

		last := func() error {
			var last error
			for _, err := range v.Changes(t.Context()) {
				last = err
			}
			return last
		}
		ended := make(chan error, 1)
		go func() { ended <- last() }()
		synctest.Wait()
		require.NoError(t, v.Close())
		require.NoError(t, <-ended, "the caller ended it")
		require.ErrorIs(t, v.Err(), session.ErrClosed)
		require.ErrorContains(t, v.Err(), "/a")
		require.NoError(t, last())
		require.Equal(t, "one", v.Load().Value)
		require.True(t, v.Stale())
		require.NoError(t, v.Close())

		v = open(w, "/a", config.Text())
		go func() { ended <- last() }()
		synctest.Wait()
		require.NoError(t, w.sm.Close())
		require.ErrorIs(t, <-ended, session.ErrClosed)
	})
}

func TestThousandSubscribers(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/n", "0")
		v := open(w, "/n", config.JSON[int]())
		got := make(chan int, 1000)
		for range 1000 {
			go func() {
				for s := range v.Changes(t.Context()) {
					if s.Value == 7 {
						got <- s.Value
						return
					}
				}
			}()
		}
		synctest.Wait()
		w.Srv.ResetCounts()
		w.Put("/n", "7")
		for range 1000 {
			<-got
		}
		require.Equal(t, 1, w.Srv.Count(zktest.OpGetData))
		require.Equal(t, 1, w.Srv.WatchesOf("/n"))
	})
}

func TestBurstsCoalesce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/n", "0")
		w.p.Link.Delay(5 * time.Millisecond)
		v := open(w, "/n", config.JSON[int]())
		w.Srv.ResetCounts()
		for n := 1; n <= 1000; n++ {
			time.Sleep(time.Millisecond)
			w.Put("/n", strconv.Itoa(n))
		}
		await(w, v, becomes(1000))
		reads := w.Srv.Count(zktest.OpGetData)
		require.Less(t, reads, 150, "about one in each round trip of 10 ms")
		require.Greater(t, reads, 50)
	})
}

func TestSurvivesEveryFault(t *testing.T) {
	faults := map[string]func(t *testing.T, w *world){
		"freeze": func(t *testing.T, w *world) { w.Srv.Freeze(); time.Sleep(timeout / 2); w.Srv.Thaw() },
		"long freeze": func(t *testing.T, w *world) {
			w.Srv.Freeze()
			time.Sleep(10 * timeout)
			w.Srv.Thaw()
		},
		"expiry":     func(t *testing.T, w *world) { w.Srv.Expire(w.p.Current().ID()) },
		"restart":    func(t *testing.T, w *world) { w.Srv.Restart() },
		"disconnect": func(t *testing.T, w *world) { w.Srv.Disconnect(w.p.Current().ID()) },
		"lag":        func(t *testing.T, w *world) { w.Srv.Lag(w.p.Current().ID()); time.Sleep(time.Hour) },
		"partition": func(t *testing.T, w *world) {
			w.p.Link.Cut(zktest.Both)
			time.Sleep(10 * timeout)
			w.p.Link.Heal()
		},
		"events lost": func(t *testing.T, w *world) {
			w.p.Link.Cut(zktest.ToClient)
			time.Sleep(10 * timeout)
			w.p.Link.Heal()
		},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.Put("/a", "before")
				v := open(w, "/a", config.Text())
				changed := make(chan struct{})
				go func() {
					defer close(changed)
					time.Sleep(time.Second)
					w.Put("/a", "during")
				}()
				fault(t, w)
				<-changed
				w.Srv.CatchUp(w.p.Current().ID())
				await(w, v, becomes("during"))
				w.Put("/a", "after")
				await(w, v, becomes("after"))
				time.Sleep(timeout)
				synctest.Wait()
				require.False(t, v.Stale())
			})
		})
	}
}
