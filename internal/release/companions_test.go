package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// unpacked returns a directory with the content of this machine's deb.
func unpacked(t *testing.T, d artifacts) string {
	t.Helper()
	needs(t, "dpkg-deb")
	root := t.TempDir()
	runs(t, "dpkg-deb", "--extract", d.deb(native), root)
	return root
}

func TestManualPage(t *testing.T) {
	needs(t, "groff")
	d := dist(t)
	root := unpacked(t, d)
	cmd := exec.Command("groff", "-man", "-Tutf8", "-ww")
	cmd.Stdin = gunzipped(t, filepath.Join(root, "usr/share/man/man1/docent.1.gz"))
	var complaints strings.Builder
	cmd.Stderr = &complaints
	page, err := cmd.Output()
	require.NoError(t, err)
	require.Empty(t, complaints.String())
	require.Contains(t, string(page), "elect")
}

// Each shell completes the name of a command with the script of the package.
func TestCompletion(t *testing.T) {
	needs(t, "bash", "zsh", "fish")
	d := dist(t)
	root := unpacked(t, d)
	shell := func(name, script string) string {
		cmd := exec.Command(name, "-c", script)
		cmd.Env = append(os.Environ(), "PATH="+filepath.Join(root, "usr/bin")+":"+os.Getenv("PATH"), "HOME="+t.TempDir())
		out, err := output(cmd)
		require.NoError(t, err)
		return out
	}
	require.Contains(t, shell("bash", `source `+root+`/usr/share/bash-completion/completions/docent
		COMP_WORDS=(docent ele) COMP_CWORD=1 COMP_LINE='docent ele' COMP_POINT=10
		completion=$(complete -p docent); [[ $completion =~ -F\ ([^ ]+) ]]; "${BASH_REMATCH[1]}" docent ele docent; echo "${COMPREPLY[@]}"`), "elect")
	require.Contains(t, shell("fish", `set -p fish_complete_path `+root+`/usr/share/fish/vendor_completions.d; complete --do-complete 'docent ele'`), "elect")
	require.Equal(t, "_docent", shell("zsh", `fpath=(`+root+`/usr/share/zsh/vendor-completions $fpath); autoload -Uz compinit; compinit -u -D; echo $_comps[docent]`))
}

// systemd takes the unit, without a warning. verify loads it as an instance.
func TestUnit(t *testing.T) {
	needs(t, "systemd-analyze")
	d := dist(t)
	root := unpacked(t, d)
	units := filepath.Join(root, "usr/lib/systemd/system")
	for _, name := range []string{"sysinit", "basic", "shutdown", "network-online"} { // which every unit refers to
		require.NoError(t, os.WriteFile(filepath.Join(units, name+".target"), []byte("[Unit]\nDescription="+name+"\n"), 0o644))
	}
	verify := func() (string, error) {
		cmd := exec.Command("systemd-analyze", "verify", "--man=no", "--root="+root, "docent-elect@scheduler.service")
		said, err := cmd.CombinedOutput()
		return string(said), err
	}
	said, err := verify()
	require.NoError(t, err, said)
	require.Empty(t, said)

	unit := filepath.Join(units, "docent-elect@.service")
	text, err := os.ReadFile(unit)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(unit, append(text, "[Service]\nRestartForever=yes\n"...), 0o644))
	said, _ = verify()
	require.Contains(t, said, "RestartForever", "verify finds a wrong line")
}
