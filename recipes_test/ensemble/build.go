package ensemble

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// rootModule is the module that holds the command.
const rootModule = "github.com/docent-go/docent"

// built is the docent binary that all tests of a test binary share.
var built struct {
	once sync.Once
	dir  string
	path string
	err  error
}

// BuildDocent builds cmd/docent of the root module, once per test binary, and
// returns the program's path. Under the race detector it builds the program
// with the race detector: then a data race ends the program with exit code 66.
// The package's TestMain must call [Main], which removes the program.
func BuildDocent(tb testing.TB) string {
	tb.Helper()
	built.once.Do(func() { built.path, built.err = build() })
	if built.err != nil {
		tb.Fatalf("building docent: %v", built.err)
	}
	return built.path
}

func build() (string, error) {
	root, err := output(exec.Command("go", "list", "-m", "-f", "{{.Dir}}", rootModule))
	if err != nil {
		return "", err
	}
	built.dir, err = os.MkdirTemp("", "docent-command-")
	if err != nil {
		return "", err
	}
	program := filepath.Join(built.dir, "docent")
	args := []string{"build", "-o", program}
	if raceEnabled {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "./cmd/docent")...)
	// Built in the root module's directory, so that its go.mod applies,
	// whatever the test's module.
	cmd.Dir = strings.TrimSpace(root)
	if _, err := output(cmd); err != nil {
		return "", err
	}
	return program, nil
}

// output runs cmd and returns its standard output. An error contains its
// standard error.
func output(cmd *exec.Cmd) (string, error) {
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, stderr.String())
	}
	return string(out), nil
}

// Main runs the tests of a package, removes what they shared, and fails the
// package if goroutines are left over:
//
//	func TestMain(m *testing.M) { ensemble.Main(m) }
//
// The clean functions remove whatever else the tests share.
func Main(m *testing.M, clean ...func() error) {
	code := m.Run()
	for _, f := range clean {
		if err := f(); err != nil {
			fmt.Fprintf(os.Stderr, "removing what the tests shared: %v\n", err)
			code = max(code, 1)
		}
	}
	if built.dir != "" {
		if err := os.RemoveAll(built.dir); err != nil {
			fmt.Fprintf(os.Stderr, "removing the docent that was built for the tests: %v\n", err)
			code = max(code, 1)
		}
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintf(os.Stderr, "goroutines outlive the tests: %v\n", err)
			code = 1
		}
	}
	os.Exit(code)
}
