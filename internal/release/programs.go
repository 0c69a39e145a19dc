package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// release says what to build: from which files, with which version and date,
// for which platforms.
type release struct {
	root      string // the repository
	version   string // such as v1.2.3
	commit    string // the whole hash
	date      time.Time
	platforms []platform
	stage     string // a directory for what goes into the artifacts, during build
}

// dated sets the commit and its date, which is the date of every file.
func (r *release) dated(ctx context.Context, repository string) error {
	text, err := git(ctx, repository, "log", "-1", "--format=%H %ct")
	if err != nil {
		return err
	}
	commit, seconds, _ := strings.Cut(text, " ")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return fmt.Errorf("the date of commit %s: %w", commit, err)
	}
	r.commit, r.date = commit, time.Unix(unix, 0).UTC()
	return nil
}

// git returns the output of git without the last line break.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	return output(exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...))
}

// output runs a command. Its error has what the command said.
func output(cmd *exec.Cmd) (string, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}

// staged is a file in the stage.
func (r *release) staged(elem ...string) string {
	return filepath.Join(append([]string{r.stage}, elem...)...)
}

// program is the docent of a platform, in the stage.
func (r *release) program(p platform) string { return r.staged(p.String(), p.program()) }

// programs builds docent for every platform, and for this machine.
func (r *release) programs(ctx context.Context, _ string) error {
	all := r.platforms
	if !slices.Contains(all, host) {
		all = append(slices.Clone(all), host)
	}
	for _, p := range all {
		log.Printf("docent for %s/%s", p.os, p.arch)
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
			"-ldflags", "-s -w -X main.released="+r.version, "-o", r.program(p), "./cmd/docent")
		cmd.Dir = r.root
		cmd.Env = append(os.Environ(), "GOOS="+p.os, "GOARCH="+p.arch, "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0")
		if _, err := output(cmd); err != nil {
			return err
		}
	}
	return nil
}

// companions stages what comes with docent: the manual page and the completion,
// which docent prints itself, and files of the repository.
func (r *release) companions(ctx context.Context, _ string) error {
	page, err := r.says(ctx, "man")
	if err != nil {
		return err
	}
	if err := os.WriteFile(r.staged("docent.1"), []byte(page), 0o644); err != nil {
		return err
	}
	// Distributions keep manual pages compressed.
	var compressed bytes.Buffer
	w, err := gzip.NewWriterLevel(&compressed, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write([]byte(page)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := os.WriteFile(r.staged("docent.1.gz"), compressed.Bytes(), 0o644); err != nil {
		return err
	}
	for shell, name := range map[string]string{"bash": "docent.bash", "zsh": "_docent", "fish": "docent.fish"} {
		script, err := r.says(ctx, "completion", shell)
		if err != nil {
			return err
		}
		if err := os.WriteFile(r.staged(name), []byte(script), 0o644); err != nil {
			return err
		}
	}
	for _, file := range []string{"LICENSE", "deploy/systemd/docent-elect@.service", "deploy/systemd/elect.env"} {
		data, err := os.ReadFile(filepath.Join(r.root, file))
		if err != nil {
			return err
		}
		if err := os.WriteFile(r.staged(filepath.Base(file)), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// says returns what the docent of this machine prints.
func (r *release) says(ctx context.Context, args ...string) (string, error) {
	text, err := output(exec.CommandContext(ctx, r.program(host), args...))
	return text + "\n", err
}
