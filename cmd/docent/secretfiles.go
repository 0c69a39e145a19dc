package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// files are the contents of the files that flags name. They are read before
// docent does anything else: SIGTERM still ends docent then, even if the other
// end of a pipe writes nothing.
type files struct {
	saslPassword  []byte
	ca, cert, key []byte
}

// maxInput is the size of the largest file that a flag may name, in bytes.
const maxInput = 1 << 20

// offline is a command that does not connect to ZooKeeper, and reads no
// credentials.
type offline interface{ offline() }

func (demoCommand) offline()       {}
func (devCommand) offline()        {}
func (completionCommand) offline() {}
func (manCommand) offline()        {}
func (versionCommand) offline()    {}

// readFiles reads the files that the flags name. Its errors are *usageErrors,
// and show nothing of the files.
func (a *app) readFiles(command *kong.Context) (err error) {
	target := command.Selected().Target.Addr().Interface()
	if _, ok := target.(offline); ok {
		return nil
	}
	if passes, ok := target.(interface{ passesAuth() bool }); ok {
		a.passAuth = passes.passesAuth()
	}
	g := a.globals
	if err := g.chooseAuth(command); err != nil {
		return err
	}
	if g.AuthFile != "" {
		text, err := a.readSecret("--auth-file", g.AuthFile)
		if err != nil {
			return err
		}
		g.Auth = string(text)
		if g.Auth == "" {
			return usagef("--auth-file: %s is empty; write digest:USER:PASSWORD into it", g.AuthFile)
		}
	}
	if g.SASLPasswordFile != "" && g.SASLUser != "" {
		if a.files.saslPassword, err = a.readSecret("--sasl-password-file", g.SASLPasswordFile); err != nil {
			return err
		}
	}
	return a.readTLS()
}

// chooseAuth decides between --auth and --auth-file. A flag overrides a
// variable, and a file overrides a variable with the credentials themselves.
func (g *globals) chooseAuth(command *kong.Context) error {
	switch {
	case typed(command, "auth") && typed(command, "auth-file"):
		return usagef("--auth and --auth-file exclude each other; give --auth-file")
	case typed(command, "auth"):
		g.AuthFile = ""
	case g.AuthFile != "":
		g.Auth = ""
	}
	return nil
}

// typed reports whether a flag is on the command line itself.
func typed(command *kong.Context, name string) bool {
	return slices.ContainsFunc(command.Path, func(p *kong.Path) bool { return p.Flag != nil && p.Flag.Name == name && !p.Resolved })
}

// readsDescriptor reports whether a flag names a descriptor of docent.
func (g *globals) readsDescriptor() bool {
	return slices.ContainsFunc([]string{g.AuthFile, g.SASLPasswordFile, g.TLSCA, g.TLSCert, g.TLSKey}, func(path string) bool {
		_, is := descriptor(path)
		return is
	})
}

// authFlag names the flag that gave the credentials.
func (g *globals) authFlag() string {
	if g.AuthFile != "" {
		return "--auth-file " + g.AuthFile
	}
	return "--auth (or DOCENT_AUTH)"
}

// readSecret reads a file with a secret. A line break at its end does not count.
func (a *app) readSecret(flag, path string) ([]byte, error) {
	text, err := a.readFile(flag, path, true)
	return bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r")), err
}

// readFile reads a file, or a descriptor such as /dev/fd/3. It opens nothing
// that blocks. It warns if other users can read a secret, or can write the
// file. It does not reject such a file: Kubernetes mounts secrets with mode
// 0644 by default, in a container that has no other users.
func (a *app) readFile(flag, path string, secret bool) ([]byte, error) {
	failed := func(err error) ([]byte, error) {
		return nil, usagef("%s: %v; give a file that docent can read", flag, err)
	}
	file, err := a.openInput(path)
	if err != nil {
		return failed(err)
	}
	defer func() { _ = file.Close() }() // it was only read
	info, err := file.Stat()
	if err != nil {
		return failed(err)
	}
	var from io.Reader = file
	if info.Mode().IsRegular() {
		// A descriptor keeps its offset, so that a docent below --pass-auth can read it too.
		from = io.NewSectionReader(file, 0, maxInput+1)
	}
	text, err := io.ReadAll(io.LimitReader(from, maxInput+1))
	switch perm := info.Mode().Perm(); {
	case err != nil:
		return failed(err)
	case len(text) > maxInput:
		return failed(fmt.Errorf("%s has more than %d bytes", path, maxInput))
	case !info.Mode().IsRegular():
	case secret && perm&0o004 != 0:
		a.note("warning: %s: every user of this machine can read %s (mode %04o); take the right away: chmod o= %s", flag, path, perm, path)
	case perm&0o002 != 0:
		a.note("warning: %s: every user of this machine can write %s (mode %04o); take the right away: chmod o-w %s", flag, path, perm, path)
	}
	return text, nil
}

// openInput opens a regular file, or takes a descriptor of docent.
func (a *app) openInput(path string) (*os.File, error) {
	if file, err := a.inherited(path); file != nil || err != nil {
		return file, err
	}
	info, err := os.Stat(path)
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: failed.Err}
	}
	if err != nil {
		return nil, err
	}
	if err := mustBeRegular(path, info); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDONLY|nonBlocking, 0)
	if err != nil {
		return nil, err
	}
	if info, err = file.Stat(); err == nil { // another file may have the name by now
		err = mustBeRegular(path, info)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func mustBeRegular(path string, info fs.FileInfo) error {
	switch {
	case info.Mode().IsRegular():
		return nil
	case info.IsDir():
		return fmt.Errorf("%s is a directory", path)
	}
	return fmt.Errorf("%s is neither a regular file nor a descriptor such as /dev/fd/3", path)
}

// cmdAuth is the flag of each command that runs a CMD.
type cmdAuth struct {
	PassAuth bool `help:"Leave docent's credentials in the environment of CMD. Default: CMD gets no variable that holds a secret."`
}

func (c cmdAuth) passesAuth() bool { return c.PassAuth }

// secretVariables hold a secret themselves.
var secretVariables = []string{"DOCENT_AUTH", saslPassword, "DOCENT_UI_TOKEN"}

// fileVariables name a file.
var fileVariables = []string{
	"DOCENT_AUTH_FILE", "DOCENT_SASL_PASSWORD_FILE", "DOCENT_TLS_CA", "DOCENT_TLS_CERT", "DOCENT_TLS_KEY",
}

// cmdEnv returns the environment of CMD: docent's own, without secrets unless
// --pass-auth is given, and more. CMD may read the file that a variable names,
// but a descriptor is not passed on.
func (a *app) cmdEnv(more ...string) []string {
	env := make([]string, 0, len(a.environ)+len(more))
	for _, entry := range a.environ {
		key, value, _ := strings.Cut(entry, "=")
		_, isDescriptor := descriptor(value)
		if !a.passAuth && (slices.Contains(secretVariables, key) || slices.Contains(fileVariables, key) && isDescriptor) {
			continue
		}
		env = append(env, entry)
	}
	return append(env, more...)
}
