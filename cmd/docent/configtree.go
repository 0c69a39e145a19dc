package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/docent-go/docent/cmd/docent/internal/treefile"
	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
)

// treeLimits are the flags of a command that reads a whole tree.
type treeLimits struct {
	Limit    int `default:"20000" placeholder:"N" help:"Read N znodes at most. Default: 20000. A tree that has more is an error."`
	MaxBytes int `default:"67108864" placeholder:"N" help:"Read N bytes of names and values at most. Default: 67108864. A tree that has more is an error."`
}

func (l treeLimits) check(task string) error {
	if l.Limit < 1 || l.MaxBytes < 1 {
		return usagef("%s: --limit and --max-bytes must be above zero", task)
	}
	return nil
}

// openTree opens the tree at path. It has every write that was answered before.
func (a *app) openTree(ctx context.Context, sm *session.Manager, path string, limits treeLimits) (tree *config.Tree[[]byte], err error) {
	opts := []config.Option[[]byte]{config.Default[[]byte](nil)}
	if limits.Limit > 0 {
		opts = append(opts, config.Limit[[]byte](limits.Limit), config.MaxBytes[[]byte](limits.MaxBytes))
	}
	err = a.once(ctx, func(ctx context.Context) (err error) {
		if err = sm.Sync(ctx, path); err == nil {
			tree, err = config.OpenTree(ctx, sm, path, config.Bytes(), opts...)
		}
		return err
	})
	return tree, err
}

// complete returns an error if the snapshot does not have all keys below path.
func complete(path string, snap *config.TreeSnapshot[[]byte]) error {
	switch {
	case len(snap.Hidden) > 0:
		return snap.Hidden[0].Err
	case snap.LeftOut.Znodes > 0:
		return fmt.Errorf("the tree is too large: %d znodes with %d bytes are beyond the limits", snap.LeftOut.Znodes, snap.LeftOut.Bytes)
	case !snap.Exists:
		return missing(path)
	case snap.Torn:
		return errTorn
	}
	for k := range snap.All() {
		if k.Err != nil {
			return k.Err
		}
	}
	return nil
}

// noteForeign prints a line on standard error if the snapshot has znodes that
// are not keys since they belong to other recipes.
func (a *app) noteForeign(task string, snap *config.TreeSnapshot[[]byte]) {
	count, first := 0, ""
	for key, what := range snap.Foreign() {
		if count++; count == 1 {
			first = fmt.Sprintf("%s: %s", oneLine(key), what)
		}
	}
	switch {
	case count == 1:
		a.note("%s: a znode is left out, since it belongs to another recipe: %s", task, first)
	case count > 1:
		a.note("%s: %d znodes are left out, since they belong to other recipes; the first is %s", task, count, first)
	}
}

// errTorn says that a tree has no state of one instant.
var errTorn = errors.New("the keys change so fast that they cannot be read at one instant; try again later")

// readTree reads the tree at path as it was at an instant. With each key it
// returns the version and the zxid. Without PATH the error is session.ErrNoNode.
func (a *app) readTree(ctx context.Context, sm *session.Manager, path string, limits treeLimits) (treefile.Tree, *config.TreeSnapshot[[]byte], error) {
	tree, err := a.openTree(ctx, sm, path, limits)
	if err != nil {
		return treefile.Tree{}, nil, err
	}
	snap := tree.Load()
	err = errors.Join(complete(path, snap), tree.Close())
	if snap.LeftOut.Znodes > 0 {
		err = &taskError{task: "read " + path, err: err, hint: "raise --limit or --max-bytes"}
	}
	return treeOf(path, snap), snap, err
}

// treeOf returns the keys of a snapshot.
func treeOf(path string, snap *config.TreeSnapshot[[]byte]) treefile.Tree {
	t := treefile.Tree{Path: path, Keys: make(map[string][]byte, snap.Len())}
	for k := range snap.All() {
		t.Keys[k.Key] = k.Value
		t.Zxid = max(t.Zxid, k.Zxid)
	}
	for _, h := range snap.Hidden {
		t.Unknown = append(t.Unknown, h.Key)
	}
	if snap.LeftOut.Znodes > 0 {
		t.Unknown = append(t.Unknown, "")
	}
	return t
}

// readSource reads an export: a directory, a JSON file, or standard input with
// -. Each key must be the path of a znode below the tree.
func (a *app) readSource(from, path string, limits treeLimits) (t treefile.Tree, err error) {
	info, err := os.Stat(from)
	switch {
	case from != "-" && err != nil:
		return t, err
	case from != "-" && info.IsDir():
		t, err = treefile.ReadDirectory(from, int64(limits.MaxBytes))
	default:
		var data []byte
		if data, err = a.readDocument(from, 2*int64(limits.MaxBytes)); err == nil {
			t, err = treefile.Parse(data)
		}
	}
	if err != nil {
		return t, fmt.Errorf("%s: %w", named(from), err)
	}
	for _, key := range t.Sorted() {
		if err := checkPath(strings.TrimSuffix(path, "/") + "/" + key); err != nil {
			return t, fmt.Errorf("%s: the key %s cannot be a znode: %v", named(from), oneLine(key), err)
		}
		if key == config.HistoryDir || strings.HasPrefix(key, config.HistoryDir+"/") {
			return t, fmt.Errorf("%s: the key %s belongs to the histories of keys, which are not imported; remove it", named(from), oneLine(key))
		}
	}
	return t, nil
}

// readDocument reads a file, which may be a pipe, or standard input.
func (a *app) readDocument(from string, limit int64) (data []byte, err error) {
	in := a.stdin
	if from != "-" {
		file, err := os.Open(from)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }() // nothing was written
		in = file
	}
	data, err = io.ReadAll(io.LimitReader(in, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = errors.New("it has too many bytes; raise --max-bytes")
	}
	return data, err
}

func named(from string) string {
	if from == "-" {
		return "standard input"
	}
	return oneLine(from)
}
