package exportdata_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/checks/exportdata"
)

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":              "module example.com/m\n\ngo 1.24\n",
		"a.go":                "package m\n\nimport \"errors\"\n\n// Err is an error.\nvar Err = errors.New(\"m\")\n",
		"internal/b/b.go":     "package b\n",
		"cmd/c/c.go":          "package main\n\nfunc main() {}\n",
		"broken/broken.go":    "package broken\n\nvar N int = \"text\"\n",
		"broken/user/user.go": "package user\n\nimport _ \"example.com/m/broken\"\n",
	} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	m, err := exportdata.Load(t.Context(), dir, "./...", "example.com/m/missing")
	require.NoError(t, err)
	public := make(map[string]bool)
	for _, p := range m.Packages {
		public[p.Path] = p.Public()
	}
	require.Subset(t, public, map[string]bool{
		"example.com/m": true, "example.com/m/internal/b": false, "example.com/m/cmd/c": false, "example.com/m/broken": true,
	})
	require.Equal(t, exportdata.Package{Path: "example.com/m", Name: "m", Dir: dir}, m.Packages[0])

	p, err := m.Import("example.com/m")
	require.NoError(t, err)
	require.Equal(t, "error", p.Scope().Lookup("Err").Type().String())
	_, err = m.Import("errors")
	require.NoError(t, err, "a package that the module imports")
	_, err = m.Import("example.com/m/broken")
	require.ErrorContains(t, err, "cannot use \"text\"")
	_, err = m.Import("example.com/m/missing")
	require.ErrorContains(t, err, "example.com/m/missing: ")
	_, err = m.Import("net/http")
	require.ErrorContains(t, err, "the module does not import the package")

	empty, err := exportdata.Load(t.Context(), dir)
	require.NoError(t, err)
	require.Empty(t, empty.Packages)
	_, err = exportdata.Load(t.Context(), filepath.Join(dir, "gone"), "./...")
	require.ErrorContains(t, err, "go list")
}
