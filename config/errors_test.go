package config_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Every error of a verb is an OpError with the verb and the path.
func TestErrorsNameVerbAndPath(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.Put("/c/key", "1")
		w.Put("/c/bad", "x")
		w.Put("/c/closed", "1")
		w.Put("/c/counter", "\x00\x00\x00\x05")
		store := config.NewStore(w.sm, "/c")
		history := store.History(2)
		closed := open(w, "/c/closed", config.Text())
		require.NoError(t, closed.Close())
		closedTree, err := config.OpenTree(ctx, w.sm, "/c", config.Text())
		require.NoError(t, err)
		require.NoError(t, closedTree.Close())
		same := func(v string) (string, error) { return v, nil }
		for _, c := range []struct {
			err      error
			op, path string
			is       error
			text     string // without the session
		}{
			{testworld.ErrOf(config.Open(ctx, w.sm, "/c/none", config.Text())), "open key", "/c/none", config.ErrNoValue,
				"the znode does not exist, so there is no value: create it, or give a Default or Wait"},
			{testworld.ErrOf(config.Open(ctx, w.sm, "/c/bad", config.JSON[int]())), "open key", "/c/bad", nil,
				"open key /c/bad: bad value (version 0, zxid 0x"},
			{testworld.ErrOf(config.Open(ctx, w.sm, "c", config.Text())), "open key", "c", nil, `invalid path "c": it is relative`},
			{testworld.ErrOf(config.Open(ctx, w.sm, "/c/key", config.Codec[int]{})), "open key", "/c/key", nil,
				"the codec has no Decode: use JSON, Text or Bytes, or set Decode"},
			{testworld.ErrOf(config.OpenTree(ctx, w.sm, "c", config.Text())), "open tree", "c", nil, `invalid path "c"`},
			{closed.Err(), "watch key", "/c/closed", session.ErrClosed, "the view is closed"},
			{testworld.ErrOf(closed.Update(ctx, same)), "update key", "/c/closed", session.ErrClosed, "the view is closed"},
			{closedTree.Err(), "watch tree", "/c", session.ErrClosed, "the view is closed"},
			{testworld.ErrOf(open(w, "/c/key", config.Codec[string]{Decode: config.Text().Decode}).Update(ctx, same)), "update key", "/c/key", nil,
				"the codec has no Encode, so it cannot update: set Encode"},
			{testworld.ErrOf(store.Get(ctx, "none")), "get key", "/c/none", session.ErrNoNode, "the znode does not exist"},
			{testworld.ErrOf(store.Set(ctx, "/none", nil, 0)), "set key", "/c/none", session.ErrNoNode, "the znode does not exist"},
			{testworld.ErrOf(store.Set(ctx, "key", nil, 7)), "set key", "/c/key", session.ErrBadVersion, "the znode has another version"},
			{testworld.ErrOf(store.Set(ctx, "counter", nil, session.AnyVersion)), "set key", "/c/counter", session.ErrForeign,
				`it has 4 bytes and looks like the number of a counter; if it is a key, give the version that was read; ` +
					`check the path (see "docent inspect")`},
			{testworld.ErrOf(store.Create(ctx, "key", nil)), "create key", "/c/key", session.ErrNodeExists, "the znode exists already"},
			{testworld.ErrOf(store.Create(ctx, "../x", nil)), "create key", "/c/../x", nil, `invalid path "/c/../x"`},
			{testworld.ErrOf(store.Put(ctx, "counter", nil)), "put key", "/c/counter", session.ErrForeign, ""},
			{store.Delete(ctx, "none", 0), "delete key", "/c/none", session.ErrNoNode, "the znode does not exist"},
			{store.Publish(ctx), "publish keys", "/c", nil, "there are no steps: give at least one"},
			{store.Publish(ctx, config.KeyOp{}), "publish keys", "/c", nil,
				"step 1 of 1 is the zero KeyOp: make it with SetKey, CreateKey, DeleteKey or CheckKey"},
			{store.Publish(ctx, config.SetKey("counter", nil, session.AnyVersion)), "publish keys", "/c", session.ErrForeign, "step 1 of 1 (set key counter): "},
			{store.Publish(ctx, config.CheckKey("key", 7)), "publish keys", "/c", session.ErrBadVersion,
				"step 1 of 1 (check key key): the znode has another version: the step gives 7, and the key has 0 now"},
			{store.Publish(ctx, config.SetKey("none", nil, 0)), "publish keys", "/c", session.ErrNoNode, "step 1 of 1 (set key none): the znode does not exist"},
			{testworld.ErrOf(history.Set(ctx, "none", nil, 0)), "set key", "/c/none", session.ErrNoNode, "the znode does not exist"},
			{testworld.ErrOf(history.Put(ctx, "counter", nil)), "put key", "/c/counter", session.ErrForeign, ""},
			{testworld.ErrOf(history.Rollback(ctx, "key", 7)), "roll back key", "/c/key", config.ErrNoRevision,
				"value 7: the key's history has no such value: List returns the values with their IDs"},
			{testworld.ErrOf(store.History(0).List(ctx, "key")), "list history", "/c/key", nil, "History(0): a history keeps 1 to 1000 values"},
			{config.SyncFile(ctx, w.sm, "/c/key", t.TempDir()), "sync key", "/c/key", nil, "is a directory; name a file"},
			{config.SyncFile(ctx, w.sm, "c", filepath.Join(t.TempDir(), "f")), "sync key", "c", nil, `invalid path "c"`},
		} {
			var op *session.OpError
			require.ErrorAs(t, c.err, &op, c.text)
			require.Equal(t, c.op, op.Op, "%v", c.err)
			require.Equal(t, c.path, op.Path, "%v", c.err)
			require.ErrorContains(t, c.err, c.op+" "+c.path+": ")
			require.ErrorContains(t, c.err, c.text)
			if c.is != nil {
				require.ErrorIs(t, c.err, c.is)
			}
		}
		require.NotErrorIs(t, closed.Err(), session.ErrLost, "no hold has ended")
	})
}

// What a loop yields names the verb and the path too.
func TestErrorsOfLoopsNameVerbAndPath(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/c/key", "x")
		v := open(w, "/c/key", config.JSON[int](), config.Default(1))
		tree, err := config.OpenTree(t.Context(), w.sm, "/c", config.JSON[int]())
		require.NoError(t, err)
		ofValue, ofTree := make(chan error, 10), make(chan error, 10)
		go collect(ofValue, v.Changes(t.Context()))
		go collect(ofTree, tree.Changes(t.Context()))
		for text, errs := range map[string]chan error{
			"watch key /c/key: bad value (version 0, ":        ofValue,
			"watch tree /c: bad value of /c/key (version 0, ": ofTree,
		} {
			err := <-errs
			require.ErrorContains(t, err, text)
			var bad *config.BadValueError
			require.ErrorAs(t, err, &bad)
			require.Equal(t, "/c/key", bad.Path)
		}
		require.NoError(t, v.Close())
		require.NoError(t, tree.Close())
		for _, errs := range []chan error{ofValue, ofTree} {
			err, more := <-errs
			require.False(t, more, "the caller ended the loop, and gets %v", err)
		}
	})
}

func collect[T any](errs chan<- error, changes func(func(T, error) bool)) {
	defer close(errs)
	for _, err := range changes {
		if err != nil {
			errs <- err
		}
	}
}

// A wait says for how long, and what it waited for.
func TestErrorOfAWait(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		cause := errors.New("the program stops")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		w.Put("/c", "")
		for op, open := range map[string]func(path string) error{
			"open key": func(path string) error {
				return testworld.ErrOf(config.Open(ctx, w.sm, path, config.Text(), config.Wait[string]()))
			},
			"open tree": func(path string) error {
				return testworld.ErrOf(config.OpenTree(ctx, w.sm, path, config.Text(), config.Wait[string]()))
			},
		} {
			err := open("/none")
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, cause)
			require.ErrorContains(t, err, op+" /none: ")
		}
	})
	inWorld(t, func(t *testing.T, w *world) {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		err := testworld.ErrOf(config.Open(ctx, w.sm, "/none", config.Text(), config.Wait[string]()))
		require.EqualError(t, err, "open key /none: waiting for a value: context deadline exceeded; the last problem: "+
			"the znode does not exist, so there is no value: create it", "Wait is given, and is not advised")
		require.ErrorIs(t, err, config.ErrNoValue)
		require.ErrorIs(t, err, session.ErrNoNode)
		again, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		err = testworld.ErrOf(config.OpenTree(again, w.sm, "/none", config.Text(), config.Wait[string]()))
		require.ErrorContains(t, err, "so there is no value: create it")
		require.NotContains(t, err.Error(), "Wait")
	})
}

// Options that do not fit together are the error of the call, before a request.
func TestErrorsOfOptions(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Srv.ResetCounts()
		odd := config.Validate(func(n int) error {
			switch n {
			case 3:
				return errors.New("odd")
			case 5:
				panic("five")
			}
			return nil
		})
		for want, opts := range map[string][]config.Option[int]{
			"Default and Wait exclude each other, because nothing waits if there is a default: give one of them": {config.Default(1), config.Wait[int]()},
			"the Default does not pass Validate: odd":                                                            {config.Default(3), odd},
			"the Default does not pass Validate: panic: five":                                                    {odd, config.Default(5)},
		} {
			require.EqualError(t, testworld.ErrOf(config.Open(t.Context(), w.sm, "/a", config.JSON[int](), opts...)), "open key /a: "+want)
			require.EqualError(t, testworld.ErrOf(config.OpenTree(t.Context(), w.sm, "/a", config.JSON[int](), opts...)), "open tree /a: "+want)
		}
		require.Zero(t, w.Srv.Count(zktest.OpGetData)+w.Srv.Count(zktest.OpAddWatch))
	})
}

// A panic of the codec under an Update is an error, as it is everywhere else.
func TestUpdateOfAValueThatMakesTheCodecPanic(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/n", "good")
		codec := config.Text()
		codec.Decode = func(data []byte) (string, error) {
			if string(data) == "evil" {
				panic("no such value")
			}
			return string(data), nil
		}
		v := open(w, "/n", codec)
		w.Put("/n", "evil")
		_, err := v.Update(t.Context(), func(string) (string, error) { return "new", nil })
		var bad *config.BadValueError
		require.ErrorAs(t, err, &bad)
		require.ErrorContains(t, err, "panic: no such value")
		require.Equal(t, "evil", w.Data("/n"))
	})
}
