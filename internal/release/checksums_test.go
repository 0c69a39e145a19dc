package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Releases have these files and no others, and SHA256SUMS has the sums of the
// rest.
func TestChecksums(t *testing.T) {
	d := dist(t)
	want := []string{"SHA256SUMS", d.path("docent_%s_image.tar")}
	for _, p := range d.platforms {
		extension := ".tar.gz"
		if p.os == "windows" {
			extension = ".zip"
		}
		want = append(want, d.path("docent_%s_%s"+extension, p))
	}
	for _, p := range d.linuxes() {
		want = append(want, d.deb(p), d.rpm(p), d.apk(p))
	}
	if d.whole {
		want = append(want, d.path("docent_%s_sbom.cdx.json"))
	}
	for i := range want {
		want[i] = filepath.Base(want[i])
	}
	entries, err := os.ReadDir(d.dir)
	require.NoError(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	require.ElementsMatch(t, want, names)

	needs(t, "sha256sum")
	cmd := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	cmd.Dir = d.dir
	checked, err := output(cmd)
	require.NoError(t, err)
	require.Len(t, strings.Split(checked, "\n"), len(want)-1)
}

// A build of the same files in another directory has the same bytes.
func TestReproducible(t *testing.T) {
	d := dist(t)
	again := *d.release
	again.root = t.TempDir()
	listed, err := git(t.Context(), d.root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	require.NoError(t, err)
	for name := range strings.SplitSeq(strings.TrimSuffix(listed, "\x00"), "\x00") {
		data, err := os.ReadFile(filepath.Join(d.root, name))
		if os.IsNotExist(err) {
			continue // deleted, and not committed
		}
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(again.root, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(again.root, name), data, 0o600))
	}
	var further []step
	if d.whole {
		further = append(further, again.sbom)
	}
	out := filepath.Join(t.TempDir(), "again")
	require.NoError(t, again.build(context.WithoutCancel(t.Context()), out, further...))
	want, err := os.ReadFile(filepath.Join(d.dir, "SHA256SUMS"))
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join(out, "SHA256SUMS"))
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
	require.ErrorIs(t, func() error { _, err := os.Stat(again.stage); return err }(), fs.ErrNotExist, "the stage is removed")
}

// The SBOM lists the modules that each docent says it has.
func TestSBOM(t *testing.T) {
	d := dist(t)
	if !d.whole {
		t.Skip("make release makes the SBOM: its tool takes minutes to build")
	}
	text, err := os.ReadFile(d.path("docent_%s_sbom.cdx.json"))
	require.NoError(t, err)
	var bom struct {
		BOMFormat string
		Metadata  struct {
			Component struct{ Name, Version string }
		}
		Components []struct{ Name, Version, PURL string }
	}
	require.NoError(t, json.Unmarshal(text, &bom))
	require.Equal(t, "CycloneDX", bom.BOMFormat)
	require.Equal(t, "github.com/docent-go/docent", bom.Metadata.Component.Name)
	require.Equal(t, d.version, bom.Metadata.Component.Version)
	var listed []string
	for _, c := range bom.Components {
		require.NotEmpty(t, c.PURL, c.Name)
		listed = append(listed, c.Name+" "+c.Version)
	}
	for _, p := range d.platforms {
		require.ElementsMatch(t, modules(t, d, p), listed, p)
	}
}

// modules are those that the docent of a platform says it was built from, and
// the standard library.
func modules(t *testing.T, d artifacts, p platform) []string {
	t.Helper()
	program := d.inArchive(t, p)
	info, err := buildinfo.Read(bytes.NewReader(program))
	require.NoError(t, err)
	all := []string{"std " + info.GoVersion}
	for _, m := range info.Deps {
		all = append(all, m.Path+" "+m.Version)
	}
	return all
}
