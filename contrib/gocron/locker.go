package docentgocron

import (
	"context"
	"net/url"
	"path"
	"sync"
	"time"

	"github.com/go-co-op/gocron/v2"

	"github.com/docent-go/docent/session"
)

// Locker is a gocron.Locker for all jobs of a scheduler that have the same
// period. Each job has a Job of its own, by its name. It is safe for concurrent
// use.
//
// A job without gocron.WithName has the name of its Go function. All closures
// that one line of code makes have one name: gocron would run one of them per
// interval. So name the jobs.
type Locker struct {
	sm    *session.Manager
	dir   string
	every time.Duration
	opts  []Option

	mu   sync.Mutex
	jobs map[string]*Job
}

var _ gocron.Locker = (*Locker)(nil)

// NewLocker returns a Locker that keeps the records of the jobs below dir, which
// is below sm's root. every is the period of the jobs: see NewJob. Give a job
// with another period Job.Option of its own. NewLocker does no I/O.
func NewLocker(sm *session.Manager, dir string, every time.Duration, opts ...Option) *Locker {
	return &Locker{sm: sm, dir: dir, every: every, opts: opts, jobs: make(map[string]*Job)}
}

// Lock begins a run of the job with the name key if one is due. ctx bounds the
// wait, and it returns the errors of Job.Lock. The run ends when the Lock is
// unlocked.
func (l *Locker) Lock(ctx context.Context, key string) (gocron.Lock, error) {
	return l.Job(key).Lock(ctx, key)
}

// Job returns the job with the name. Its Task works with the Locker if the job
// has the same gocron.WithName, and needs no Job.Option then. The znode's name is
// the job's name, in which url.PathEscape has escaped slashes and the like.
func (l *Locker) Job(name string) *Job {
	l.mu.Lock()
	defer l.mu.Unlock()
	j := l.jobs[name]
	if j == nil {
		j = NewJob(l.sm, path.Join(l.dir, escaped(name)), l.every, l.opts...)
		l.jobs[name] = j
	}
	return j
}

// escaped returns the name of a job's znode.
func escaped(name string) string {
	switch name {
	case "":
		return "%"
	case ".":
		return "%2E"
	case "..":
		return "%2E%2E"
	}
	return url.PathEscape(name)
}
