package docentkratos

import (
	"bytes"
	"context"
	"iter"
	"path"
	"strings"
	"sync"

	kconfig "github.com/go-kratos/kratos/v2/config"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
)

// Source is a config.Source of kratos with the keys of a directory. It follows
// the keys until Close or until its Manager is closed. It is safe for concurrent
// use.
//
// The format of a key is its extension: kratos decodes orders.yaml as YAML. A key
// without an extension is one value: db/host is the value db.host.
type Source struct {
	tree *config.Tree[[]byte]

	mu     sync.Mutex
	loaded *config.TreeSnapshot[[]byte]
}

var _ kconfig.Source = (*Source)(nil)

// OpenSource opens the keys below path, which is below sm's root. It blocks until
// all keys have been read. ctx bounds OpenSource alone. It takes the options of
// config.OpenTree, such as config.Validate, and returns its errors.
func OpenSource(ctx context.Context, sm *session.Manager, path string, opts ...config.Option[[]byte]) (*Source, error) {
	t, err := config.OpenTree(ctx, sm, path, config.Bytes(), opts...)
	if err != nil {
		return nil, err
	}
	return &Source{tree: t}, nil
}

// Load returns the present keys, in order. It sends no request, and returns the
// last keys while ZooKeeper does not answer. The error is always nil.
func (s *Source) Load() ([]*kconfig.KeyValue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loaded = s.tree.Load()
	return keyValues(s.loaded), nil
}

func keyValues(snap *config.TreeSnapshot[[]byte]) (all []*kconfig.KeyValue) {
	for k := range snap.All() {
		kv := &kconfig.KeyValue{Key: k.Key, Value: bytes.Clone(k.Value), Format: strings.TrimPrefix(path.Ext(k.Key), ".")}
		if kv.Format == "" {
			kv.Key = strings.ReplaceAll(k.Key, "/", ".")
		}
		all = append(all, kv)
	}
	return all
}

// Watch returns a watcher. No change after the last Load is missed. The error is
// always nil.
func (s *Source) Watch() (kconfig.Watcher, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &sourceWatcher{
		stream: newStream(context.Background(), func(ctx context.Context) (iter.Seq2[*config.TreeSnapshot[[]byte], error], error) {
			return s.tree.Changes(ctx), nil
		}),
		last: s.loaded,
	}, nil
}

// Stale reports whether the keys may be out of date for longer than usual, as
// config.Tree.Stale does: the servers do not answer.
func (s *Source) Stale() bool { return s.tree.Stale() }

// Err returns the present error, or nil, as config.Tree.Err does.
func (s *Source) Err() error { return s.tree.Err() }

// Close stops following the keys, and ends the watchers. Load keeps the last
// keys. The error is always nil.
func (s *Source) Close() error { return s.tree.Close() }

// sourceWatcher is a config.Watcher of kratos.
type sourceWatcher struct {
	stream[*config.TreeSnapshot[[]byte]]
	last *config.TreeSnapshot[[]byte]
}

// Next returns all keys after a change. It returns each error once, such as a
// *config.BadValueError. After Stop it returns context.Canceled. After Close, or
// if the Manager is closed, the error also matches session.ErrClosed.
func (w *sourceWatcher) Next() ([]*kconfig.KeyValue, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		snap, err := w.next()
		if err != nil {
			return nil, err
		}
		if snap != w.last {
			w.last = snap
			return keyValues(snap), nil
		}
	}
}
