package config_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestOpenReadsTheValue(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/limits", `{"qps": 10, "hosts": ["a", "b"]}`)
		v := open(w, "/limits", config.JSON[Limits](), config.Validate(positive))
		snap := v.Load()
		require.Equal(t, Limits{QPS: 10, Hosts: []string{"a", "b"}}, snap.Value)
		node, _ := w.Srv.Node("/limits")
		require.True(t, snap.Exists)
		require.Equal(t, node.Stat.Version, snap.Version)
		require.Equal(t, node.Stat.Mzxid, snap.Zxid)
		require.Equal(t, node.Stat.Mtime, snap.ModTime.UnixMilli())
		require.Equal(t, "/limits", v.Path())
		require.NoError(t, v.Err())
		require.False(t, v.Stale())
	})
}

func TestOpenOfAMissingNode(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		_, err := config.Open(t.Context(), w.sm, "/none", config.Text())
		require.ErrorIs(t, err, config.ErrNoValue)
		require.ErrorIs(t, err, session.ErrNoNode)
		require.ErrorContains(t, err, "/none")

		v := open(w, "/none", config.Text(), config.Default("fallback"))
		require.Equal(t, config.Snapshot[string]{Value: "fallback"}, *v.Load())
		require.NoError(t, v.Err())
		w.Put("/none", "made")
		await(w, v, becomes("made"))
		w.Remove("/none")
		require.Equal(t, "fallback", await(w, v, gone[string]).Value)
	})
}

func TestOpenWaits(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		opened := make(chan *config.Value[Limits], 1)
		go func() {
			opened <- open(w, "/limits", config.JSON[Limits](), config.Validate(positive), config.Wait[Limits]())
		}()
		synctest.Wait()
		w.Put("/limits", "{")
		synctest.Wait()
		w.Put("/limits", `{"qps":0}`)
		synctest.Wait()
		require.Empty(t, opened)
		w.Put("/limits", `{"qps":3}`)
		require.Equal(t, 3, (<-opened).Load().Value.QPS)
	})
}

func TestOpenWaitsNoLongerThanItsContext(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		open := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			start := time.Now()
			_, err := config.Open(ctx, w.sm, "/limits", config.JSON[Limits](), config.Wait[Limits]())
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, time.Minute, time.Since(start))
			return err
		}
		require.ErrorIs(t, open(), config.ErrNoValue)
		w.Put("/limits", "{")
		var bad *config.BadValueError
		require.ErrorAs(t, open(), &bad)
		w.Fail(zktest.OpGetData, "/limits", zktest.CodeNoAuth)
		require.ErrorIs(t, open(), session.ErrNoAuth)

		done := make(chan error, 1)
		go func() {
			_, err := config.Open(t.Context(), w.sm, "/limits", config.JSON[Limits](), config.Wait[Limits]())
			done <- err
		}()
		synctest.Wait()
		require.NoError(t, w.sm.Close())
		require.ErrorIs(t, <-done, session.ErrClosed)
	})
}

func TestOpenOfABadValue(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/limits", `{"qps":"s3cret"}`)
		w.Put("/limits", `{"qps":"s3cret!"}`)
		_, err := config.Open(t.Context(), w.sm, "/limits", config.JSON[Limits]())
		var bad *config.BadValueError
		require.ErrorAs(t, err, &bad)
		require.Equal(t, "/limits", bad.Path)
		require.EqualValues(t, 1, bad.Version)
		require.Positive(t, bad.Zxid)
		require.NotContains(t, err.Error(), "s3cret")

		v := open(w, "/limits", config.JSON[Limits](), config.Default(Limits{QPS: 1}), config.Validate(positive))
		require.Equal(t, config.Snapshot[Limits]{Value: Limits{QPS: 1}}, *v.Load())
		require.ErrorAs(t, v.Err(), &bad)
		w.Put("/limits", `{"qps":2}`)
		await(w, v, func(s *config.Snapshot[Limits], err error) bool { return s.Value.QPS == 2 && err == nil })
		require.NoError(t, v.Err())
	})
}

func TestOpenOfAForbiddenNode(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/limits", "x")
		remove := w.Fail(zktest.OpGetData, "/limits", zktest.CodeNoAuth)
		_, err := config.Open(t.Context(), w.sm, "/limits", config.Text())
		require.ErrorIs(t, err, session.ErrNoAuth)
		require.ErrorContains(t, err, "/limits")
		v := open(w, "/limits", config.Text(), config.Default("d"))
		require.Equal(t, "d", v.Load().Value)
		require.ErrorIs(t, v.Err(), session.ErrNoAuth)
		remove()
		await(w, v, becomes("x"))
		require.NoError(t, v.Err())
	})
}

func TestOpenRefusesBadInput(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for path, reason := range map[string]string{
			"": "empty", "limits": "relative", "/": "root", "/a/": "ends with /", "/a//b": "empty segment",
			"/a/./b": "relative segment", "/zookeeper/config": "reserved", "/a\x00b": "U+0000", "/\xff": "UTF-8",
		} {
			_, err := config.Open(t.Context(), w.sm, path, config.Text())
			require.ErrorContains(t, err, reason, "path %q", path)
		}
		_, err := config.Open(t.Context(), w.sm, "/a", config.Codec[int]{})
		require.ErrorContains(t, err, "no Decode")
		_, err = config.Open(t.Context(), w.sm, "/a", config.JSON[Limits](),
			config.Default(Limits{}), config.Validate(positive))
		require.ErrorContains(t, err, "qps must be positive")
		_, err = config.Open(t.Context(), w.sm, "/a", config.Text(), config.Default(""), config.Wait[string]())
		require.ErrorContains(t, err, "Default and Wait exclude each other")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = config.Open(ctx, w.sm, "/a", config.Text())
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, w.Srv.Count(zktest.OpGetData), "nothing was asked")
	})
}

func TestEveryValidateHasToAgree(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		even := func(n int) error {
			if n%2 != 0 {
				return errors.New("odd")
			}
			return nil
		}
		small := func(n int) error {
			if n > 10 {
				return errors.New("large")
			}
			return nil
		}
		for value, reason := range map[string]string{"3": "odd", "12": "large"} {
			w.Put("/n", value)
			_, err := config.Open(t.Context(), w.sm, "/n", config.JSON[int](), config.Validate(even), config.Validate(small))
			require.ErrorContains(t, err, reason)
		}
	})
}

// Open is called before there is a session, while the server is away.
func TestHardCase21_OpenWhileTheServerIsAway(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/limits", "one")
		w.p.Link.Refuse(true)
		old := w.p.Current()
		w.Srv.Expire(old.ID())
		<-old.Done()

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := config.Open(ctx, w.sm, "/limits", config.Text())
		require.ErrorIs(t, err, session.ErrUnreachable)
		require.ErrorIs(t, err, context.DeadlineExceeded)

		opened := make(chan *config.Value[string], 1)
		go func() { opened <- open(w, "/limits", config.Text()) }()
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Empty(t, opened)
		w.p.Link.Refuse(false)
		require.Equal(t, "one", (<-opened).Load().Value)
	})
}
