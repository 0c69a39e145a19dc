//go:build unix

package interop

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/recipes_test/peers"
)

// adder adds one.
type adder func(ctx context.Context) error

// ours adds with a Counter, theirs with a peer's verb.
func ours(c *counter.Counter) adder {
	return func(ctx context.Context) error {
		_, err := c.Add(ctx, 1)
		return err
	}
}

func theirs(actor *peers.Actor, verb, path string) adder {
	return func(ctx context.Context) error {
		for {
			_, err := actor.Go(verb, path, 1).Result()
			// Curator gives up if other writers come first too often. Then it
			// has changed nothing.
			if err == nil || !strings.Contains(err.Error(), "was not changed") || ctx.Err() != nil {
				return err
			}
		}
	}
}

// addUp makes all add at once, rounds times each, and returns the sum.
func addUp(w *world, rounds int, adders ...adder) int64 {
	w.Helper()
	ctx := w.within(patience)
	var work sync.WaitGroup
	for i, add := range adders {
		work.Go(func() {
			for range rounds {
				if err := add(ctx); err != nil {
					w.Errorf("adder %d: %v", i, err)
					return
				}
			}
		})
	}
	work.Wait()
	return int64(rounds * len(adders))
}

// sum returns the value of a counter.
func sum(w *world, c *counter.Counter) int64 {
	w.Helper()
	v, err := c.Get(w.within(patience))
	require.NoError(w, err)
	require.True(w, v.Exists)
	return v.N
}

// A Counter in each of its layouts, with all libraries that have the layout.
func TestCounter(t *testing.T) {
	w := inWorld(t)
	java, other, python := w.curator(), w.curator(), w.kazoo()

	w.part("DistributedAtomicLong", func(w *world) {
		const path = "/counter/long"
		c := counter.New(w.docent(), path)
		want := addUp(w, 25,
			ours(c),
			ours(counter.New(w.docent(), path)),
			theirs(java.As(w).Actor("a"), "count.long", path),
			theirs(other.As(w).Actor("a"), "count.long", path),
		)
		require.Equal(w, want, sum(w, c))
		n, err := c.Add(w.within(patience), -1<<40)
		require.NoError(w, err)
		require.Equal(w, strconv.FormatInt(n+7, 10), java.As(w).Actor("a").Do("count.long", path, 7))
	})

	w.part("DistributedAtomicInteger, SharedCount and kazoo", func(w *world) {
		const path = "/counter/int"
		c := counter.New(w.docent(), path, counter.Layout(counter.Int32))
		shared := other.As(w).Actor("shared")
		shared.Do("count.share", path, 0)
		want := addUp(w, 25,
			ours(c),
			ours(counter.New(w.docent(), path, counter.Layout(counter.Int32))),
			theirs(java.As(w).Actor("a"), "count.int", path),
			theirs(other.As(w).Actor("a"), "count.int", path),
			theirs(python.As(w).Actor("a"), "count.int", path),
			func(ctx context.Context) error { // it fails if another client has written in between
				for ctx.Err() == nil {
					done, err := shared.Go("count.try", path).Result()
					if err != nil || done == "true" {
						return err
					}
				}
				return ctx.Err()
			},
		)
		require.Equal(w, want, sum(w, c))
		n, err := c.Add(w.within(patience), -1000)
		require.NoError(w, err)
		require.Negative(w, n)
		w.settles("Curator's SharedCount follows", func() bool {
			got, err := shared.Go("count.shared", path).Result()
			return err == nil && got == strconv.FormatInt(n, 10)
		})
		require.Equal(w, strconv.FormatInt(n-1, 10), python.As(w).Actor("a").Do("count.int", path, -1))
		shared.Do("count.unshare", path)
	})

	w.part("kazoo's text", func(w *world) {
		const path = "/counter/text"
		c := counter.New(w.docent(), path, counter.Layout(counter.Decimal))
		want := addUp(w, 25,
			ours(c),
			ours(counter.New(w.docent(), path, counter.Layout(counter.Decimal))),
			theirs(python.As(w).Actor("a"), "count.text", path),
			theirs(python.As(w).Actor("b"), "count.text", path),
		)
		require.Equal(w, want, sum(w, c))
		n, err := c.Add(w.within(patience), -1000)
		require.NoError(w, err)
		require.Equal(w, strconv.FormatInt(n+3, 10), python.As(w).Actor("a").Do("count.text", path, 3))
	})

	w.part("changes", func(w *world) {
		const path = "/counter/changes"
		c := counter.New(w.docent(), path, counter.Layout(counter.Int32))
		shared := java.As(w).Actor("shared")
		shared.Do("count.share", path, 4)
		seen := make(chan int64, 100)
		ctx, cancel := context.WithCancel(w.within(patience))
		watching := later(func() (struct{}, error) {
			for v, err := range c.Changes(ctx) {
				if err != nil {
					return struct{}{}, err
				}
				seen <- v.N
			}
			return struct{}{}, nil
		})
		require.Equal(w, int64(4), <-seen)
		shared.Do("count.set", path, 5)
		require.Equal(w, int64(5), <-seen)
		cancel()
		_, err := watching.get()
		require.NoError(w, err)
		shared.Do("count.unshare", path)
	})

	// Layouts that must not share the path. If one of these fails, the table in
	// docs/interop.md is out of date.

	// Most values in another layout are rejected. Eight digits look like eight
	// bytes.
	w.part("never: another layout", func(w *world) {
		const text, number = "/counter/digits", "/counter/bytes"
		a := python.As(w).Actor("a")
		a.Do("count.text", text, 258)
		var format *counter.FormatError
		_, err := counter.New(w.docent(), text).Get(w.within(patience))
		require.ErrorAs(w, err, &format)
		a.Do("count.text", text, 12345678-258)
		v, err := counter.New(w.docent(), text).Get(w.within(patience))
		require.NoError(w, err)
		require.Equal(w, int64(0x3132333435363738), v.N)

		_, err = counter.New(w.docent(), number).Add(w.within(patience), 1)
		require.NoError(w, err)
		_, err = counter.New(w.docent(), number, counter.Layout(counter.Int32)).Get(w.within(patience))
		require.ErrorAs(w, err, &format)
		_, err = a.Go("count.int", number, 1).Result()
		require.Error(w, err)
		_, err = a.Go("count.text", number, 1).Result()
		require.Error(w, err)
	})

	w.part("never: fractions", func(w *world) {
		const path = "/counter/fraction"
		_, err := w.docent().Create(w.within(patience), path, []byte("3.5"), 0)
		require.NoError(w, err)
		var format *counter.FormatError
		_, err = counter.New(w.docent(), path, counter.Layout(counter.Decimal)).Get(w.within(patience))
		require.ErrorAs(w, err, &format)
	})
}

// A config.Value of bytes and Curator's SharedValue.
func TestSharedValue(t *testing.T) {
	w := inWorld(t)
	a := w.curator().Actor("a")
	const path = "/config/shared"
	a.Do("count.value", path, "00ff")
	v, err := config.Open(w.within(patience), w.docent(), path, config.Bytes(), config.Wait[[]byte]())
	require.NoError(w, err)
	defer v.Close()
	require.Equal(w, []byte{0, 255}, v.Load().Value)

	a.Do("count.put", path, "01")
	w.settles("we see Curator's value", func() bool { return string(v.Load().Value) == "\x01" })
	_, err = v.Update(w.within(patience), func(old []byte) ([]byte, error) { return append(old, 2), nil })
	require.NoError(w, err)
	w.settles("Curator sees ours", func() bool {
		got, err := a.Go("count.get", path).Result()
		return err == nil && got == "0102"
	})
	require.Equal(w, "true", a.Do("count.tryput", path, "03"))
	w.settles("we see the next", func() bool { return string(v.Load().Value) == "\x03" })
	a.Do("count.unvalue", path)
}
