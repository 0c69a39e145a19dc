//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"
)

// The image is an OCI layout: one index, with an image for each Linux.
func TestImage(t *testing.T) {
	d := dist(t)
	dir := t.TempDir()
	tar, err := os.ReadFile(d.path("docent_%s_image.tar"))
	require.NoError(t, err)
	for name, f := range untarred(t, bytes.NewReader(tar)) {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), f.data, 0o644))
	}
	top, err := layout.ImageIndexFromPath(dir)
	require.NoError(t, err)
	require.NoError(t, validate.Index(top), "the digests and sizes are those of the blobs")
	manifest, err := top.IndexManifest()
	require.NoError(t, err)
	require.Len(t, manifest.Manifests, 1, "a push of the layout pushes one index")
	require.Equal(t, d.version, manifest.Manifests[0].Annotations["org.opencontainers.image.ref.name"])
	index, err := top.ImageIndex(manifest.Manifests[0].Digest)
	require.NoError(t, err)
	manifest, err = index.IndexManifest()
	require.NoError(t, err)
	require.Equal(t, d.commit, manifest.Annotations["org.opencontainers.image.revision"])
	require.Len(t, manifest.Manifests, len(d.linuxes()))
	for i, p := range d.linuxes() {
		t.Run(p.arch, func(t *testing.T) {
			require.Equal(t, &v1.Platform{OS: p.os, Architecture: p.arch}, manifest.Manifests[i].Platform)
			image, err := index.Image(manifest.Manifests[i].Digest)
			require.NoError(t, err)
			requireImage(t, d, p, image)
		})
	}
}

func requireImage(t *testing.T, d artifacts, p platform, image v1.Image) {
	t.Helper()
	config, err := image.ConfigFile()
	require.NoError(t, err)
	require.Equal(t, []string{p.os, p.arch}, []string{config.OS, config.Architecture})
	require.Equal(t, "65532:65532", config.Config.User)
	require.Equal(t, []string{"/usr/bin/docent"}, config.Config.Entrypoint)
	require.Equal(t, d.version, config.Config.Labels["org.opencontainers.image.version"])
	require.Equal(t, "https://github.com/docent-go/docent", config.Config.Labels["org.opencontainers.image.source"])
	require.True(t, config.Created.Equal(d.date))

	content := mutate.Extract(image)
	files := untarred(t, content)
	require.NoError(t, content.Close())
	require.Len(t, files, 1, "docent, and nothing else")
	program := files["usr/bin/docent"]
	require.EqualValues(t, 0o755, program.mode)
	requireSame(t, d.inArchive(t, p), program.data)

	if p != host || os.Getuid() != 0 {
		return // only root may change the root directory
	}
	root := t.TempDir()
	require.NoError(t, os.Chmod(root, 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(root, "usr/bin"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "usr/bin/docent"), program.data, 0o755))
	cmd := exec.Command(config.Config.Entrypoint[0], "version")
	cmd.Env = config.Config.Env
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	said, err := output(cmd)
	require.NoError(t, err)
	require.Contains(t, said, "docent "+d.version)
}
