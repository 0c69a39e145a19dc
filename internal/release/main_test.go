package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// artifacts are what the tests check.
type artifacts struct {
	*release
	dir string
	// whole says that make release has built all platforms.
	whole bool
}

var (
	scratch string
	// built has the artifacts in DOCENT_DIST, or builds those for the Linux of
	// this architecture.
	built = sync.OnceValues(func() (artifacts, error) {
		ctx := context.Background()
		root, err := git(ctx, ".", "rev-parse", "--show-toplevel")
		if err != nil {
			return artifacts{}, err
		}
		if dir, version := os.Getenv("DOCENT_DIST"), os.Getenv("VERSION"); dir != "" {
			r, err := newRelease(ctx, root, version, platforms)
			return artifacts{r, filepath.Join(root, dir), true}, err
		}
		r, err := newRelease(ctx, root, "v0.0.0-rc.1", []platform{native})
		if err != nil {
			return artifacts{}, err
		}
		dir := filepath.Join(scratch, "dist")
		return artifacts{r, dir, false}, r.build(ctx, dir)
	})
	// native is the Linux that this machine is or may be.
	native = platform{"linux", runtime.GOARCH}
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "docent-release-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	scratch = dir
	code := m.Run()
	if err := os.RemoveAll(scratch); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// dist returns the artifacts.
func dist(t *testing.T) artifacts {
	t.Helper()
	d, err := built()
	require.NoError(t, err)
	return d
}

// linuxes are the Linuxes that the artifacts are for.
func (d artifacts) linuxes() (all []platform) {
	for _, p := range d.platforms {
		if p.os == "linux" {
			all = append(all, p)
		}
	}
	return all
}

// path is the file of an artifact. %s stands for the version.
func (d artifacts) path(format string, args ...any) string {
	return filepath.Join(d.dir, fmt.Sprintf(format, append([]any{d.bare()}, args...)...))
}

// needs skips the test without a tool. With CI=true it fails instead.
func needs(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		_, err := exec.LookPath(tool)
		switch {
		case err != nil && os.Getenv("CI") == "true":
			t.Fatalf("CI=true forbids skipping: %v", err)
		case err != nil:
			t.Skipf("needs %s: .ci/deps installs it", tool)
		}
	}
}

// runs returns what a command prints.
func runs(t *testing.T, name string, args ...string) string {
	t.Helper()
	text, err := output(exec.Command(name, args...))
	require.NoError(t, err)
	return text
}

// file is a file that was unpacked.
type file struct {
	mode int64
	date time.Time
	data []byte
}

// untarred returns the files and directories of a tar.
func untarred(t *testing.T, r io.Reader) map[string]file {
	t.Helper()
	all := make(map[string]file)
	for archive := tar.NewReader(r); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		require.Zero(t, header.Uid+header.Gid, "%s belongs to root", header.Name)
		data, err := io.ReadAll(archive)
		require.NoError(t, err)
		all[strings.TrimPrefix(strings.TrimSuffix(header.Name, "/"), "./")] = file{header.Mode, header.ModTime, data}
	}
}

// gunzipped returns the content of a compressed file.
func gunzipped(t *testing.T, path string) *bytes.Reader {
	t.Helper()
	compressed, err := os.ReadFile(path)
	require.NoError(t, err)
	r, err := gzip.NewReader(bytes.NewReader(compressed))
	require.NoError(t, err)
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	return bytes.NewReader(data)
}

// inArchive returns the docent of a platform, from its archive.
func (d artifacts) inArchive(t *testing.T, p platform) []byte {
	t.Helper()
	var files map[string]file
	if p.os == "windows" {
		files = unzipped(t, d.path("docent_%s_%s.zip", p))
	} else {
		files = untarred(t, gunzipped(t, d.path("docent_%s_%s.tar.gz", p)))
	}
	data := files[fmt.Sprintf("docent_%s_%s/%s", d.bare(), p, p.program())].data
	require.NotEmpty(t, data)
	return data
}

// requireSame compares programs, without printing them.
func requireSame(t *testing.T, want, got []byte) {
	t.Helper()
	require.Equal(t, sha256.Sum256(want), sha256.Sum256(got))
}

// execute runs a docent that was unpacked, if this machine can.
func (d artifacts) execute(t *testing.T, p platform, program string) {
	t.Helper()
	if p == host {
		require.Equal(t, fmt.Sprintf("docent %s (%s)", d.version, runtime.Version()), runs(t, program, "version"))
	}
}
