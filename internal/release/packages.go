package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/apk" // registers the format
	_ "github.com/goreleaser/nfpm/v2/deb" // registers the format
	_ "github.com/goreleaser/nfpm/v2/rpm" // registers the format
)

// packages writes the packages of deploy/packages/nfpm.yaml for each Linux.
func (r *release) packages(_ context.Context, out string) error {
	for _, p := range r.platforms {
		if p.os != "linux" {
			continue
		}
		for _, format := range []string{"deb", "rpm", "apk"} {
			if err := r.pack(format, p, out); err != nil {
				return fmt.Errorf("%s for %s: %w", format, p.arch, err)
			}
		}
	}
	return nil
}

// pack writes one package. Packing changes a configuration, so that each package
// reads its own.
func (r *release) pack(format string, p platform, out string) error {
	values := map[string]string{"VERSION": r.version, "ARCH": p.arch, "STAGE": r.stage}
	config, err := nfpm.ParseFileWithEnvMapping(filepath.Join(r.root, "deploy", "packages", "nfpm.yaml"), func(name string) string { return values[name] })
	if err != nil {
		return err
	}
	info, err := config.Get(format)
	if err != nil {
		return err
	}
	info.MTime = r.date
	if format == "apk" {
		info.Prerelease = strings.Replace(info.Prerelease, ".", "", 1) // 1.2.3_rc1
	}
	for _, script := range []*string{&info.Scripts.PostInstall, &info.Scripts.PreRemove} {
		if *script != "" {
			*script = filepath.Join(r.root, *script)
		}
	}
	packager, err := nfpm.Get(format)
	if err != nil {
		return err
	}
	name := packager.ConventionalFileName(info)
	log.Print(name)
	return writeFile(filepath.Join(out, name), func(w io.Writer) error { return packager.Package(info, w) })
}
