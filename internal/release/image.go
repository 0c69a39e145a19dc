package main

import (
	"context"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// inImage is where the image has docent.
const inImage = "usr/bin/docent"

// imageUser has no rights. Kubernetes wants a number, to see that it is not root.
const imageUser = "65532:65532"

// image writes an OCI layout, as a tar: an index with an image for each Linux,
// which has docent and nothing else.
func (r *release) image(_ context.Context, out string) error {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range r.platforms {
		if p.os != "linux" {
			continue
		}
		image, err := r.imageOf(p)
		if err != nil {
			return err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: p.os, Architecture: p.arch}},
		})
	}
	annotated, isIndex := mutate.Annotations(index, r.labels()).(v1.ImageIndex)
	if !isIndex {
		panic("release: annotations have made an index something else")
	}
	name := "docent_" + r.bare() + "_image.tar"
	log.Print(name)
	dir := r.staged("image")
	if _, err := layout.Write(dir, mutate.AppendManifests(empty.Index, mutate.IndexAddendum{
		Add: annotated, Descriptor: v1.Descriptor{Annotations: map[string]string{"org.opencontainers.image.ref.name": r.version}},
	})); err != nil {
		return err
	}
	var members []member
	if err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		members = append(members, member{filepath.ToSlash(name), path, 0o644})
		return err
	}); err != nil {
		return err
	}
	return writeFile(filepath.Join(out, name), func(w io.Writer) error { return packTar(w, r.date, members) })
}

// imageOf returns the image of a platform.
func (r *release) imageOf(p platform) (v1.Image, error) {
	file := r.staged(p.String(), "layer.tar")
	if err := writeFile(file, func(w io.Writer) error {
		return packTar(w, r.date, []member{{inImage, r.program(p), 0o755}})
	}); err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return os.Open(file) }, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	date := v1.Time{Time: r.date}
	image, err := mutate.Append(
		mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON),
		mutate.Addendum{Layer: layer, History: v1.History{Created: date, CreatedBy: "make release", Comment: "docent " + r.version}})
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = p.os, p.arch, date
	config.Config = v1.Config{
		User: imageUser, Entrypoint: []string{"/" + inImage}, WorkingDir: "/", Labels: r.labels(),
		Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
	}
	return mutate.ConfigFile(image, config)
}

// labels describe the image, in the terms of the OCI.
func (r *release) labels() map[string]string {
	const home = "https://github.com/docent-go/docent"
	return map[string]string{
		"org.opencontainers.image.title":         "docent",
		"org.opencontainers.image.description":   "Coordination on ZooKeeper, from the shell",
		"org.opencontainers.image.url":           home,
		"org.opencontainers.image.source":        home,
		"org.opencontainers.image.documentation": home + "/blob/" + r.version + "/docs/install.md",
		"org.opencontainers.image.licenses":      "Apache-2.0",
		"org.opencontainers.image.vendor":        "Docent",
		"org.opencontainers.image.version":       r.version,
		"org.opencontainers.image.revision":      r.commit,
		"org.opencontainers.image.created":       r.date.Format(time.RFC3339),
	}
}
