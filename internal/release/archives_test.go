package main

import (
	"archive/zip"
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each archive has docent for its platform, and what comes with it.
func TestArchives(t *testing.T) {
	d := dist(t)
	for _, p := range d.platforms {
		t.Run(p.String(), func(t *testing.T) {
			top := fmt.Sprintf("docent_%s_%s/", d.bare(), p)
			var files map[string]file
			want := []string{"LICENSE", p.program()}
			if p.os == "windows" {
				files = unzipped(t, d.path("docent_%s_%s.zip", p))
			} else {
				files = untarred(t, gunzipped(t, d.path("docent_%s_%s.tar.gz", p)))
				want = append(want, "docent.1", "completion/docent.bash", "completion/_docent", "completion/docent.fish")
			}
			if p.os == "linux" {
				want = append(want, "systemd/docent-elect@.service", "systemd/elect.env")
			}
			for i := range want {
				want[i] = top + want[i]
			}
			require.ElementsMatch(t, want, slices.Collect(maps.Keys(files)))
			for name, f := range files {
				require.True(t, f.date.Equal(d.date), "%s is of %v", name, f.date)
			}
			program := files[top+p.program()]
			require.EqualValues(t, 0o755, program.mode)
			require.EqualValues(t, 0o644, files[top+"LICENSE"].mode)
			requireMachine(t, p, program.data)
			requireBuild(t, d.root, program.data)
			path := filepath.Join(t.TempDir(), p.program())
			require.NoError(t, os.WriteFile(path, program.data, 0o755))
			d.execute(t, p, path)
		})
	}
}

func unzipped(t *testing.T, path string) map[string]file {
	t.Helper()
	archive, err := zip.OpenReader(path)
	require.NoError(t, err)
	defer archive.Close()
	all := make(map[string]file)
	for _, f := range archive.File {
		r, err := f.Open()
		require.NoError(t, err)
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		all[f.Name] = file{int64(f.Mode().Perm()), f.Modified, data}
	}
	return all
}

// requireMachine checks that a program is for a platform, and that a program for
// Linux needs no library.
func requireMachine(t *testing.T, p platform, program []byte) {
	t.Helper()
	switch r := bytes.NewReader(program); p.os {
	case "linux":
		f, err := elf.NewFile(r)
		require.NoError(t, err)
		require.Equal(t, map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[p.arch], f.Machine)
		for _, part := range f.Progs {
			require.NotContains(t, []elf.ProgType{elf.PT_INTERP, elf.PT_DYNAMIC}, part.Type, "it is linked dynamically")
		}
	case "darwin":
		f, err := macho.NewFile(r)
		require.NoError(t, err)
		require.Equal(t, map[string]macho.Cpu{"amd64": macho.CpuAmd64, "arm64": macho.CpuArm64}[p.arch], f.Cpu)
		libraries, err := f.ImportedLibraries()
		require.NoError(t, err)
		for _, library := range libraries {
			require.True(t, strings.HasPrefix(library, "/usr/lib/") || strings.HasPrefix(library, "/System/"), "%s is not of the system", library)
		}
	case "windows":
		f, err := pe.NewFile(r)
		require.NoError(t, err)
		require.EqualValues(t, pe.IMAGE_FILE_MACHINE_AMD64, f.Machine)
	default:
		t.Fatalf("no test knows %s", p.os)
	}
}

// requireBuild checks that a program says how it was built, and not where.
func requireBuild(t *testing.T, root string, program []byte) {
	t.Helper()
	info, err := buildinfo.Read(bytes.NewReader(program))
	require.NoError(t, err)
	require.Equal(t, "github.com/docent-go/docent", info.Main.Path)
	settings := make(map[string]string)
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	require.Equal(t, "true", settings["-trimpath"])
	require.Equal(t, "0", settings["CGO_ENABLED"])
	require.False(t, bytes.Contains(program, []byte(root+"/")), "the program names the directory of its build")
}

func TestVersions(t *testing.T) {
	for _, version := range []string{"v0.2.0", "v1.12.0", "v1.0.0-rc.1"} {
		_, err := newRelease(t.Context(), ".", version, nil)
		require.NoError(t, err, version)
	}
	for _, version := range []string{"", "0.2.0", "v0.2", "v01.2.0", "v1.0.0-", "v1.0.0+dirty", "v1.0.0/..", "v1.0.0-test.1", "v1.0.0-rc1", "main"} {
		_, err := newRelease(t.Context(), ".", version, nil)
		require.ErrorContains(t, err, "write it as v1.2.3", version)
	}
}
