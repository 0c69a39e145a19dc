package naming

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/base/atomicfile"
)

// cachePause is the minimum time between two writes of a cache file.
const cachePause = time.Second

// cacheKeeper writes the cache file of one Service. A nil cacheKeeper does
// nothing.
type cacheKeeper struct {
	path   string
	loaded bool
	locked bool // the file belongs to another service or version: it is not written
	aside  bool // the file is damaged, and is renamed before it is written
	wake   chan struct{}

	writing sync.Mutex // held while the file is written
	written *listing   // the contents of the file; written and aside are guarded by writing

	mu  sync.Mutex
	err error // of the last attempt to read or write
}

// openCache reads the file, if it exists, and returns the instances that the
// filter accepts.
func openCache(path, service string, filter func(Instance) bool) (*cacheKeeper, *listing) {
	c := &cacheKeeper{path: path, wake: make(chan struct{}, 1)}
	instances, _, err := LoadCache(path, service)
	switch {
	case err == nil:
		if filter != nil {
			instances = slices.DeleteFunc(instances, func(in Instance) bool { return !filter(in) })
		}
		c.loaded, c.written = true, NewView(instances...).list
		return c, c.written
	case errors.Is(err, fs.ErrNotExist):
		return c, nil
	case errors.Is(err, ErrCacheDamaged):
		c.aside = true
	case errors.Is(err, ErrCacheService), errors.Is(err, ErrCacheVersion):
		c.locked = true
	}
	c.err = err
	return c, nil
}

func (c *cacheKeeper) problems() []error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		return nil
	}
	return []error{c.err}
}

func (c *cacheKeeper) rouse() {
	if c == nil {
		return
	}
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// keepCache writes the file after changes, until the Service is closed. A
// damaged file is a problem of the View until it is written. So keepCache first
// pauses, in order that the caller of Open can see the problem.
func (s *Service) keepCache(damaged bool) {
	if damaged {
		s.pauseCache()
	}
	for s.ctx.Err() == nil {
		select {
		case <-s.cache.wake:
			s.saveCache()
		case <-s.ctx.Done():
		}
		s.pauseCache()
	}
	s.saveCache()
}

func (s *Service) pauseCache() {
	pause := time.NewTimer(cachePause)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-s.ctx.Done():
	}
}

// putAside renames a damaged file. A symbolic link to it stays.
func putAside(path string) error {
	return atomicfile.With(path, func(f *atomicfile.File) error { return f.Append(".damaged") })
}

// saveCache writes the file if the instances have changed since.
func (s *Service) saveCache() {
	c := s.cache
	c.writing.Lock()
	defer c.writing.Unlock()
	view := s.view.Load()
	if c.locked || c.written == view.list {
		return
	}
	err := error(nil)
	if c.aside {
		if err = putAside(c.path); err != nil {
			err = &CacheError{c.path, fmt.Errorf("a damaged file cannot be renamed: %w", err)}
		}
	}
	if err == nil {
		c.aside = false
		err = SaveCache(c.path, s.name, slices.Collect(view.All()), time.Now())
	}
	if err == nil {
		c.written = view.list
	}
	c.mu.Lock()
	if err == nil || c.err == nil || c.err.Error() != err.Error() {
		c.err = err
	}
	c.mu.Unlock()
	s.rouse()
}
