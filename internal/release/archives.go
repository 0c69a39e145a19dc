package main

import (
	"archive/tar"
	"archive/zip"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// member is a file of an archive.
type member struct {
	name string // with slashes
	from string // the file that it is a copy of
	mode int64
}

// archives writes an archive for each platform: a zip for Windows, a compressed
// tar for others.
func (r *release) archives(_ context.Context, out string) error {
	for _, p := range r.platforms {
		name := "docent_" + r.bare() + "_" + p.String()
		members := []member{
			{p.program(), r.program(p), 0o755},
			{"LICENSE", r.staged("LICENSE"), 0o644},
		}
		if p.os != "windows" {
			members = append(members,
				member{"docent.1", r.staged("docent.1"), 0o644},
				member{"completion/docent.bash", r.staged("docent.bash"), 0o644},
				member{"completion/_docent", r.staged("_docent"), 0o644},
				member{"completion/docent.fish", r.staged("docent.fish"), 0o644})
		}
		if p.os == "linux" {
			members = append(members,
				member{"systemd/docent-elect@.service", r.staged("docent-elect@.service"), 0o644},
				member{"systemd/elect.env", r.staged("elect.env"), 0o644})
		}
		for i := range members {
			members[i].name = name + "/" + members[i].name
		}
		pack, extension := packTarGz, ".tar.gz"
		if p.os == "windows" {
			pack, extension = packZip, ".zip"
		}
		log.Print(name + extension)
		if err := writeFile(filepath.Join(out, name+extension), func(w io.Writer) error { return pack(w, r.date, members) }); err != nil {
			return err
		}
	}
	return nil
}

// writeFile creates a file with what f writes.
func writeFile(path string, f func(io.Writer) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(f(file), file.Close())
}

// packTar writes a tar whose bytes depend on nothing but the arguments.
func packTar(w io.Writer, date time.Time, members []member) error {
	archive := tar.NewWriter(w)
	for _, m := range sorted(members) {
		data, err := os.ReadFile(m.from)
		if err != nil {
			return err
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: m.name, Size: int64(len(data)), Mode: m.mode, ModTime: date, Format: tar.FormatPAX}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(data); err != nil {
			return err
		}
	}
	return archive.Close()
}

func packTarGz(w io.Writer, date time.Time, members []member) error {
	compressed, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	return errors.Join(packTar(compressed, date, members), compressed.Close())
}

func packZip(w io.Writer, date time.Time, members []member) error {
	archive := zip.NewWriter(w)
	for _, m := range sorted(members) {
		data, err := os.ReadFile(m.from)
		if err != nil {
			return err
		}
		header := &zip.FileHeader{Name: m.name, Method: zip.Deflate, Modified: date}
		header.SetMode(os.FileMode(m.mode))
		file, err := archive.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := file.Write(data); err != nil {
			return err
		}
	}
	return archive.Close()
}

func sorted(members []member) []member {
	return slices.SortedFunc(slices.Values(members), func(a, b member) int { return cmp.Compare(a.name, b.name) })
}
