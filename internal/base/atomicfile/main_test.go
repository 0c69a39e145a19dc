package atomicfile

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// roleVar makes the test binary do one thing to a file, as another user.
const roleVar = "DOCENT_TEST_ROLE"

func TestMain(m *testing.M) {
	if op := os.Getenv(roleVar); op != "" {
		if err := ops[op](os.Args[1]); err != nil {
			os.Stdout.WriteString(err.Error())
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// ops are what the package does to a file.
var ops = map[string]func(path string) error{
	"read":  func(path string) error { _, err := Read(path); return err },
	"check": func(path string) error { return With(path, (*File).Check) },
	"update": func(path string) error {
		return With(path, func(f *File) error { _, err := f.Update([]byte("secret"), 0o600); return err })
	},
	"replace": func(path string) error { return Replace(path, []byte("secret"), 0o600) },
	"remove": func(path string) error {
		return With(path, func(f *File) error { _, err := f.Remove(); return err })
	},
	"secret": func(path string) error { _, err := Secret(path, []byte("secret")); return err },
	"append": func(path string) error { return With(path, func(f *File) error { return f.Append(".old") }) },
}
