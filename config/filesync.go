package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/docent-go/docent/internal/base/atomicfile"
	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/oneline"
	"github.com/docent-go/docent/internal/base/problem"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
)

// FileChange is one change of a file, made by SyncFile.
type FileChange struct {
	File    string
	Removed bool // the key was deleted, and the file with it (RemoveWithKey)
	// Version and Zxid belong to the value that was written.
	Version int32
	Zxid    int64
}

// FileOption changes what SyncFile does. An option that is given twice counts
// once, with the last argument.
type FileOption func(*fileOptions)

type fileOptions struct {
	mode      fs.FileMode
	remove    bool
	onChange  func(FileChange)
	onProblem func(error)
	check     func([]byte) error
}

// FileMode sets the permissions of a new file. The default is 0600. An existing
// file keeps its permissions.
func FileMode(mode fs.FileMode) FileOption {
	return func(o *fileOptions) { o.mode = mode.Perm() }
}

// RemoveWithKey removes the file when the key is deleted. Without it the file
// keeps the last value.
func RemoveWithKey() FileOption { return func(o *fileOptions) { o.remove = true } }

// AfterChange sets a function that SyncFile calls after each change of the
// file. SyncFile calls f on its own goroutine, one call at a time, and waits for
// f. While f runs, intermediate values are skipped, but never the last.
func AfterChange(f func(FileChange)) FileOption {
	misuse.NilFunc(f == nil, "config.AfterChange")
	return func(o *fileOptions) { o.onChange = f }
}

// OnProblem sets a function that SyncFile calls with each problem that it has
// met and goes on with: a value that is rejected, a file that cannot be written,
// a key that may not be read. A problem that only repeats is reported once, and
// f(nil) says that every problem is over. The errors are *session.OpErrors.
//
// SyncFile calls f on its own goroutine, one call at a time, and waits for f.
func OnProblem(f func(error)) FileOption {
	misuse.NilFunc(f == nil, "config.OnProblem")
	return func(o *fileOptions) { o.onProblem = f }
}

// CheckFile rejects values for which f returns an error. The file keeps the
// last good value then.
func CheckFile(f func(data []byte) error) FileOption {
	misuse.NilFunc(f == nil, "config.CheckFile")
	return func(o *fileOptions) { o.check = f }
}

// filePauses are the pauses between tries to write a file. They are not random,
// because no other process writes the file.
var filePauses = backoff.Backoff{Min: time.Second, Max: 30 * time.Second, Floor: 30 * time.Second}

// SyncFile keeps a local file equal to a key, for programs that read files. It
// blocks until ctx ends, and returns nil then.
//
// The file is replaced as a whole: SyncFile writes a temporary file in the same
// directory, flushes it to disk and renames it. So no reader sees a part of a
// value. The new file has the mode and the group of the old one. A symbolic
// link is followed, even if its target does not exist yet; RemoveWithKey
// removes the target and keeps the link. SyncFile never writes an older value
// than before, even if an earlier run wrote it. A file that has the value
// already is not written. If the key does not exist, the file stays as it is,
// unless RemoveWithKey is given.
//
// SyncFile trusts the user of this process and root, and no other user of the
// machine. It rejects these with session.ErrUnsafeFile: a file of another user,
// root's too, so that no file changes its owner; a file that is not regular; a
// link of an untrusted user; a directory of an untrusted user, or one that
// every user may write to, unless it is sticky. It opens nothing that blocks.
// On systems without owners of files it only rejects what is not a regular
// file.
//
// A file that cannot be written is reported to OnProblem. It is tried again at the next
// change, and after pauses of 1 to 30 seconds. A failure of the first write is
// an error: the file is probably set up wrongly.
//
// Errors: an invalid path; the failure of the first write, such as
// session.ErrUnsafeFile; session.ErrNoAuth at the start; session.ErrClosed. Without a session SyncFile waits until ctx
// ends. Several calls may run at the same time, for different files.
func SyncFile(ctx context.Context, sm *session.Manager, path, file string, opts ...FileOption) error {
	misuse.NilManager(sm == nil, "config.SyncFile")
	o := fileOptions{mode: 0o600}
	misuse.Apply("config.SyncFile", &o, opts)
	f := &fileSync{fileOptions: &o, path: path, file: file, problem: problem.To(o.onProblem)}
	if err := f.run(ctx, sm); err != nil && ctx.Err() == nil {
		return f.failed(err)
	}
	return nil
}

// fileSync is a running SyncFile.
type fileSync struct {
	*fileOptions
	path, file string
	failures   int   // consecutive failed writes
	unwritten  error // of the last write; nil if it succeeded
	began      bool
	problem    problem.Reporter
}

func (f *fileSync) failed(err error) error { return core.Failed("sync key", f.path, err) }

func (f *fileSync) run(ctx context.Context, sm *session.Manager) error {
	if err := atomicfile.With(f.file, (*atomicfile.File).Check); err != nil { // even if there is no value yet
		return fmt.Errorf("the file cannot be written: %w", err)
	}
	opts := []Option[[]byte]{Default[[]byte](nil)}
	if f.check != nil {
		opts = append(opts, Validate(func(data []byte) error {
			if data == nil {
				return nil // the default
			}
			return f.check(data)
		}))
	}
	// An earlier run may have written a value that this server does not have
	// yet.
	if err := bridge.Core(sm).Sync(ctx, f.path); err != nil {
		return err
	}
	v, err := open(ctx, sm, "config.SyncFile", f.path, Bytes(), opts)
	if err != nil {
		return err
	}
	defer func() { _ = v.Close() }() // never fails
	if err := v.view.Load().err; err != nil && !errors.As(err, new(*BadValueError)) {
		return err
	}
	return f.follow(ctx, v)
}

func (f *fileSync) follow(ctx context.Context, v *Value[[]byte]) error {
	var rev uint64
	for ctx.Err() == nil {
		now := v.view.Load()
		var retry *time.Timer
		var again <-chan time.Time
		if now.rev != rev || f.failures > 0 {
			rev = now.rev
			err := f.apply(&now.Snapshot, now.missing)
			f.unwritten = err
			switch {
			case err == nil:
				f.failures, f.began = 0, true
			case !f.began:
				return err
			default:
				retry = time.NewTimer(filePauses.Pause(f.failures))
				again = retry.C
				f.failures++
			}
		}
		f.problem.Report(f.failed(oneline.Join(now.err, f.unwritten)))
		select {
		case <-now.next:
		case <-again:
		case <-ctx.Done():
		case <-v.mirror.Done():
			return v.mirror.Err()
		}
		if retry != nil {
			retry.Stop()
		}
	}
	return nil
}

// apply writes the snapshot into the file, or removes the file.
func (f *fileSync) apply(snap *Snapshot[[]byte], missing bool) error {
	change := FileChange{File: f.file, Version: snap.Version, Zxid: snap.Zxid}
	var changed bool
	err := atomicfile.With(f.file, func(file *atomicfile.File) (err error) {
		switch {
		case snap.Exists:
			changed, err = file.Update(snap.Value, f.mode)
		case f.remove && missing:
			change = FileChange{File: f.file, Removed: true}
			changed, err = file.Remove()
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("write the file: %w", err)
	}
	if changed && f.onChange != nil {
		f.onChange(change)
	}
	return nil
}
