// Command release builds what a release of the docent command consists of, into
// the directory dist of the repository: archives for every platform, packages
// for Debian, Fedora and Alpine, an image for containers, an SBOM, and the
// checksums of them all.
//
//	go run . -version v1.2.3
//
// The same commit and the same Go give the same bytes, on every machine. The
// tests of this package check what it has built: see make release.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("release: ")
	version := flag.String("version", "", "the version, such as v1.2.3")
	out := flag.String("out", "dist", "the directory to write, below the repository")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *version, *out); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, version, out string) error {
	root, err := git(ctx, ".", "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	r, err := newRelease(ctx, root, version, platforms)
	if err != nil {
		return err
	}
	if dirty, err := git(ctx, root, "status", "--porcelain"); err != nil {
		return err
	} else if dirty != "" {
		log.Printf("warning: files differ from commit %.12s; do not publish this build", r.commit)
	}
	if !filepath.IsAbs(out) {
		out = filepath.Join(root, out)
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	return r.build(ctx, out, r.sbom)
}

// platform is an operating system and an architecture, as Go names them.
type platform struct{ os, arch string }

// platforms are those that a release is for.
var platforms = []platform{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}}

// host is the platform of this process.
var host = platform{runtime.GOOS, runtime.GOARCH}

func (p platform) String() string { return p.os + "_" + p.arch }

// program is the file name of docent on the platform.
func (p platform) program() string {
	if p.os == "windows" {
		return "docent.exe"
	}
	return "docent"
}

// versions is the form of a version. Alpine knows no other words for what comes
// before a release.
var versions = regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(alpha|beta|pre|rc)\.[1-9]\d*)?$`)

// newRelease returns the release of the files in root.
func newRelease(ctx context.Context, root, version string, of []platform) (*release, error) {
	if !versions.MatchString(version) {
		return nil, fmt.Errorf("%q is not a version; write it as v1.2.3 or v1.2.3-rc.1: make release VERSION=v1.2.3", version)
	}
	r := &release{root: root, version: version, platforms: of}
	return r, r.dated(ctx, root)
}

// step writes artifacts into a directory.
type step func(ctx context.Context, out string) error

// build writes the artifacts into out: those that every build has, what further
// steps add, and the checksums of them all.
func (r *release) build(ctx context.Context, out string, further ...step) (err error) {
	if r.stage, err = os.MkdirTemp("", "docent-release"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.stage)) }()
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	steps := append([]step{r.programs, r.companions, r.archives, r.packages, r.image}, further...)
	for _, write := range append(steps, r.checksums) {
		if err := write(ctx, out); err != nil {
			return err
		}
	}
	return nil
}

// bare is the version as packages write it, without the v.
func (r *release) bare() string { return strings.TrimPrefix(r.version, "v") }
