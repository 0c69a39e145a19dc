//go:build unix

package guides

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// patience is how long a program may take that hangs.
const patience = 2 * time.Minute

// program is what a whole program of a page does.
type program struct {
	replace   map[string]string // a place of the reader's machine, and one that a test may use
	says      string            // the beginning of its first line, on standard output
	appears   string            // an instance that it registers as orders
	interrupt os.Signal         // what it is sent then, if it does not end by itself
	exit      int               // -1 is a death by the signal
	forwards  bool              // it prints its address, and answers as the instance of orders does
	elsewhere string            // why it is not run here
	module    string            // whose packages it imports: a directory of the repository, the root if empty
}

var local = map[string]string{`"127.0.0.1:2181"`: `"ADDR"`}

// programs has the whole programs of each page, in their order.
var programs = map[string][]program{
	"README.md": {
		{replace: local, says: "writing with token "},
		{replace: local, says: "leading, term ", interrupt: os.Interrupt, exit: -1},
		{replace: local, says: "now 10", interrupt: os.Interrupt, exit: -1},
	},
	"docs/getting-started.md": {
		{replace: local, says: "write a row with token "},
		{replace: local, says: "leading, term ", interrupt: os.Interrupt},
		{replace: local, says: "now 10", interrupt: os.Interrupt},
	},
	"docs/naming.md": {
		{
			replace: map[string]string{`"zk1:2181", "zk2:2181", "zk3:2181"`: `"ADDR"`, `":8080"`: `"127.0.0.1:0"`},
			appears: "orders-7", interrupt: syscall.SIGTERM,
		},
		{
			replace: map[string]string{
				`"zk1:2181", "zk2:2181", "zk3:2181"`: `"ADDR"`,
				`"/var/cache/shop/orders.json"`:      `os.TempDir() + "/orders.json"`,
				`	"net/http"`:                        "\t\"fmt\"\n\t\"net\"\n\t\"net/http\"\n\t\"os\"",
				// A free port, and the test learns which.
				`server.ListenAndServe()`: "func() error {\n\tl, err := net.Listen(\"tcp\", \"127.0.0.1:0\")\n" +
					"\tif err != nil {\n\t\treturn err\n\t}\n\tfmt.Println(l.Addr())\n\treturn server.Serve(l)\n}()",
			},
			forwards: true, interrupt: os.Interrupt, exit: -1,
		},
	},
	"docs/security.md": {
		{elsewhere: "recipes_test/security runs it on a server with SASL"},
		{elsewhere: "recipes_test/contrib/kerberos runs it with a KDC", module: "contrib/kerberos"},
	},
}

// Every whole program of the documentation is vetted, and does what the page says.
func TestGuides_programsRun(t *testing.T) {
	for _, page := range pages(t) {
		var whole []block
		for _, b := range goBlocks(t, page) {
			if b.program() {
				whole = append(whole, b)
			}
		}
		require.Len(t, whole, len(programs[page]), page)
		for i, p := range programs[page] {
			t.Run(whole[i].String(), func(t *testing.T) { p.run(t, whole[i].text) })
		}
	}
}

func (p program) run(t *testing.T, text string) {
	srv := zktest.New(t)
	addr, err := srv.Listen("127.0.0.1:0")
	require.NoError(t, err)
	for theirs, mine := range p.replace {
		require.Contains(t, text, theirs)
		text = strings.ReplaceAll(text, theirs, strings.ReplaceAll(mine, "ADDR", addr))
	}
	dir := t.TempDir()
	file, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	goTool(t, p.module, "vet", file)
	if p.elsewhere != "" {
		return
	}
	goTool(t, p.module, "build", "-o", binary, file)

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(stdout)
	switch {
	case p.appears != "":
		err = p.watch(ctx, srv, func() error { return cmd.Process.Signal(p.interrupt) })
	case p.forwards:
		if lines.Scan() {
			err = forwards(ctx, srv, lines.Text())
		}
		err = errors.Join(err, cmd.Process.Signal(p.interrupt))
	case !lines.Scan() || !strings.HasPrefix(lines.Text(), p.says):
		err = fmt.Errorf("it says %q", lines.Text())
	case p.interrupt != nil:
		err = cmd.Process.Signal(p.interrupt)
	}
	if err != nil {
		cancel()
	}
	for lines.Scan() { // to its end, as Wait wants it
	}
	_ = cmd.Wait() // the exit code says it
	require.NoError(t, err, "%s", &stderr)
	require.NoError(t, ctx.Err(), "it hangs")
	require.Equal(t, p.exit, cmd.ProcessState.ExitCode(), "%s", &stderr)
}

// watch waits for the instance, tells the program to stop, and waits until the instance
// has drained and is gone.
func (p program) watch(ctx context.Context, srv *zktest.Server, stop func() error) error {
	sm, err := session.Dial(ctx, session.Config{Servers: []string{"zk1"}, Dialer: srv.DialContext})
	if err != nil {
		return err
	}
	defer sm.Close()
	orders, err := naming.NewRegistry(sm).Open(ctx, "orders", naming.ProtectEmpty(0))
	if err != nil {
		return err
	}
	defer orders.Close()
	stopped := false
	for change, err := range orders.Changes(ctx) {
		if err != nil {
			return err
		}
		for _, e := range change.Events {
			switch {
			case e.Instance.ID != p.appears:
				return fmt.Errorf("%s is %v", e.Instance.ID, e.Kind)
			case e.Kind == naming.Removed && stopped:
				return nil
			case !stopped:
				stopped = true
				if err := stop(); err != nil {
					return err
				}
			}
		}
	}
	return ctx.Err()
}

// forwards registers an instance of orders, and compares what it answers with
// what the program at the address makes of it.
func forwards(ctx context.Context, srv *zktest.Server, program string) error {
	instance := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Order", "7")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "order of "+r.URL.Path) // the program reads it or fails
	}))
	defer instance.Close()
	host, port, err := net.SplitHostPort(instance.Listener.Addr().String())
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	sm, err := session.Dial(ctx, session.Config{Servers: []string{"zk1"}, Dialer: srv.DialContext})
	if err != nil {
		return err
	}
	defer sm.Close()
	if _, err := naming.NewRegistry(sm).Register(ctx, naming.Instance{Service: "orders", ID: "a", Address: host, Port: number}); err != nil {
		return err
	}
	for {
		answer, err := http.Get("http://" + program + "/x")
		if err != nil {
			return err
		}
		body, err := io.ReadAll(answer.Body)
		if err := errors.Join(err, answer.Body.Close()); err != nil {
			return err
		}
		if answer.StatusCode == http.StatusServiceUnavailable && ctx.Err() == nil {
			runtime.Gosched() // it has not read the new instance yet
			continue
		}
		got := fmt.Sprintf("%d %v %s", answer.StatusCode, answer.Header["X-Order"], body)
		if want := "418 [7] order of /x"; got != want {
			return fmt.Errorf("it answers %q, and the instance %q", got, want)
		}
		return nil
	}
}

// goTool runs the go command in the module, as its user.
func goTool(t *testing.T, module string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = filepath.Join(root, filepath.FromSlash(module))
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}
