package main

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// architectures are the names that the formats have for Go's.
var architectures = map[string]map[string]string{
	"rpm": {"amd64": "x86_64", "arm64": "aarch64"},
	"apk": {"amd64": "x86_64", "arm64": "aarch64"},
}

// inPackage is the version as packages write it: ~ comes before the release.
func (d artifacts) inPackage() string { return strings.Replace(d.bare(), "-", "~", 1) }

func (d artifacts) deb(p platform) string {
	return filepath.Join(d.dir, "docent_"+d.inPackage()+"-1_"+p.arch+".deb")
}

func (d artifacts) rpm(p platform) string {
	return filepath.Join(d.dir, "docent-"+d.inPackage()+"-1."+architectures["rpm"][p.arch]+".rpm")
}

func (d artifacts) apk(p platform) string {
	version := strings.Replace(d.bare(), "-rc.", "_rc", 1) // the only one in the tests
	return filepath.Join(d.dir, "docent_"+version+"-r1_"+architectures["apk"][p.arch]+".apk")
}

// installed are the files of every package, with their modes.
var installed = map[string]int64{
	"usr/bin/docent":                                  0o755,
	"usr/share/man/man1/docent.1.gz":                  0o644,
	"usr/share/bash-completion/completions/docent":    0o644,
	"usr/share/fish/vendor_completions.d/docent.fish": 0o644,
}

// withSystemd are the further files of Debian's and Fedora's.
var withSystemd = map[string]int64{
	"usr/lib/systemd/system/docent-elect@.service": 0o644,
	"usr/share/doc/docent/elect.env":               0o644,
}

// requireInstalled compares the files of a package with the expected ones.
func requireInstalled(t *testing.T, d artifacts, p platform, files map[string]file, expected ...map[string]int64) {
	t.Helper()
	want := maps.Clone(installed)
	for _, more := range expected {
		maps.Copy(want, more)
	}
	got := make(map[string]int64)
	for name, f := range files {
		if len(f.data) > 0 {
			got[name] = f.mode & 0o7777
			require.True(t, f.date.Equal(d.date), "%s is of %v", name, f.date)
		}
	}
	require.Equal(t, want, got)
	requireSame(t, d.inArchive(t, p), files["usr/bin/docent"].data)
}

func TestDeb(t *testing.T) {
	needs(t, "dpkg-deb")
	d := dist(t)
	for _, p := range d.linuxes() {
		t.Run(p.arch, func(t *testing.T) {
			data, err := exec.Command("dpkg-deb", "--fsys-tarfile", d.deb(p)).Output()
			require.NoError(t, err)
			files := untarred(t, bytes.NewReader(data))
			require.Contains(t, files, "etc/docent")
			requireInstalled(t, d, p, files, withSystemd, map[string]int64{
				"usr/share/doc/docent/copyright": 0o644, "usr/share/zsh/vendor-completions/_docent": 0o644,
			})
			fields := runs(t, "dpkg-deb", "--field", d.deb(p), "Package", "Version", "Architecture", "Depends")
			require.Equal(t, "Package: docent\nVersion: "+d.inPackage()+"-1\nArchitecture: "+p.arch, fields, "it depends on nothing")
			requireScripts(t, runs(t, "dpkg-deb", "--info", d.deb(p), "postinst"), runs(t, "dpkg-deb", "--info", d.deb(p), "prerm"))
			root := t.TempDir()
			runs(t, "dpkg-deb", "--extract", d.deb(p), root)
			d.execute(t, p, filepath.Join(root, "usr/bin/docent"))
		})
	}
}

// requireScripts compares the scripts of a package with deploy/packages.
func requireScripts(t *testing.T, installed, removing string) {
	t.Helper()
	for name, got := range map[string]string{"installed.sh": installed, "removing.sh": removing} {
		want, err := os.ReadFile(filepath.Join("..", "..", "deploy", "packages", name))
		require.NoError(t, err)
		_, body, _ := strings.Cut(string(want), "\n") // without #!/bin/sh
		require.Contains(t, got+"\n", body)
	}
}

func TestRPM(t *testing.T) {
	needs(t, "rpm", "rpm2cpio", "cpio")
	d := dist(t)
	for _, p := range d.linuxes() {
		t.Run(p.arch, func(t *testing.T) {
			require.Contains(t, runs(t, "rpm", "--checksig", "--nosignature", d.rpm(p)), "digests OK")
			tags := runs(t, "rpm", "-qp", "--qf", "%{NAME} %{VERSION} %{RELEASE} %{ARCH} %{LICENSE} %{BUILDHOST} %{BUILDTIME:date}", d.rpm(p))
			require.Contains(t, tags, "docent "+d.inPackage()+" 1 "+architectures["rpm"][p.arch]+" Apache-2.0 docent-go ")
			for line := range strings.SplitSeq(runs(t, "rpm", "-qp", "--requires", d.rpm(p)), "\n") {
				require.True(t, line == "/bin/sh" || strings.HasPrefix(line, "rpmlib("), line)
			}
			require.Contains(t, runs(t, "rpm", "-qp", "--licensefiles", d.rpm(p)), "/usr/share/licenses/docent/LICENSE")
			scripts := runs(t, "rpm", "-qp", "--scripts", d.rpm(p))
			requireScripts(t, scripts, scripts)
			root := t.TempDir()
			unpack := exec.Command("sh", "-c", `rpm2cpio "$1" | cpio --quiet --extract --make-directories --preserve-modification-time`, "sh", d.rpm(p))
			unpack.Dir = root
			_, err := output(unpack)
			require.NoError(t, err)
			require.DirExists(t, filepath.Join(root, "etc/docent"))
			requireInstalled(t, d, p, walked(t, root), withSystemd, map[string]int64{
				"usr/share/licenses/docent/LICENSE": 0o644, "usr/share/zsh/site-functions/_docent": 0o644,
			})
			d.execute(t, p, filepath.Join(root, "usr/bin/docent"))
		})
	}
}

// walked returns the files below a directory.
func walked(t *testing.T, root string) map[string]file {
	t.Helper()
	all := make(map[string]file)
	require.NoError(t, filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		all[filepath.ToSlash(name)] = file{int64(info.Mode().Perm()), info.ModTime(), data}
		return err
	}))
	return all
}

// A package of Alpine is a tar, whose first members describe it.
func TestAPK(t *testing.T) {
	d := dist(t)
	for _, p := range d.linuxes() {
		t.Run(p.arch, func(t *testing.T) {
			files := untarred(t, gunzipped(t, d.apk(p)))
			about := strings.Split(string(files[".PKGINFO"].data), "\n")
			for _, line := range []string{"pkgname = docent", "pkgver = " + strings.Replace(d.bare(), "-rc.", "_rc", 1) + "-r1", "arch = " + architectures["apk"][p.arch], "license = Apache-2.0"} {
				require.Contains(t, about, line)
			}
			require.False(t, slices.ContainsFunc(about, func(line string) bool { return strings.HasPrefix(line, "depend = ") }), "it depends on nothing")
			delete(files, ".PKGINFO")
			requireInstalled(t, d, p, files, map[string]int64{
				"usr/share/licenses/docent/LICENSE": 0o644, "usr/share/zsh/site-functions/_docent": 0o644,
			})
			root := filepath.Join(t.TempDir(), "docent")
			require.NoError(t, os.WriteFile(root, files["usr/bin/docent"].data, 0o755))
			d.execute(t, p, root)
		})
	}
}
