package naming_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

const (
	benchInstances = 5_000

	// serverEnv makes the test binary the server of a benchmark.
	serverEnv = "DOCENT_NAMING_BENCH_SERVER"
)

// benchInstance is an instance of the service api, and its znode.
func benchInstance(i int, address string) (in naming.Instance, path string, data []byte, err error) {
	in = naming.Instance{Service: "api", ID: fmt.Sprintf("i%05d", i), Address: address, Port: 80}
	name, data, err := naming.Curator().Encode(in)
	return in, "/services/api/" + name, data, err
}

func benchAddress(i int) string { return fmt.Sprintf("192.0.%d.%d", i/250, i%250) }

// serveBench is a server with a service of 5,000 instances. It prints its
// address. For each byte of its standard input it writes one instance again,
// and it ends with the input.
func serveBench(in io.Reader, out io.Writer) error {
	srv, err := zktest.Start()
	if err != nil {
		return err
	}
	put := func(i int, address string) error {
		_, path, data, err := benchInstance(i, address)
		if err != nil {
			return err
		}
		return srv.Put(path, data)
	}
	for i := range benchInstances {
		if err := put(i, benchAddress(i)); err != nil {
			return err
		}
	}
	addr, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, addr); err != nil {
		return err
	}
	commands := bufio.NewReader(in)
	for n := 0; ; n++ {
		if _, err := commands.ReadByte(); err != nil {
			return srv.Close()
		}
		if err := put(n*7919%benchInstances, fmt.Sprintf("198.51.100.%d", n%250)); err != nil {
			return err
		}
	}
}

// benchServer starts the server as a process of its own, so that a profile
// shows the client alone. change has it write one instance.
func benchServer(b *testing.B) (sm *session.Manager, change func()) {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serverEnv+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() {
		require.NoError(b, in.Close())
		require.NoError(b, cmd.Wait())
	})
	addr, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(b, err)
	sm, err = session.Dial(b.Context(), session.Config{Servers: []string{strings.TrimSpace(addr)}})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, sm.Close()) })
	return sm, func() {
		_, err := in.Write([]byte{'.'})
		require.NoError(b, err)
	}
}

// BenchmarkWatchOpen opens a service of 5,000 instances. The allocations are
// the client's own.
func BenchmarkWatchOpen(b *testing.B) {
	sm, _ := benchServer(b)
	b.ReportAllocs()
	for b.Loop() {
		s, err := naming.NewRegistry(sm).Open(b.Context(), "api")
		require.NoError(b, err)
		require.Equal(b, benchInstances, s.View().Len())
		s.Close()
	}
}

// BenchmarkWatchChange writes one of 5,000 instances and waits until the view
// shows it. The Pause paces it: what counts are the allocations.
func BenchmarkWatchChange(b *testing.B) {
	sm, change := benchServer(b)
	s, err := naming.NewRegistry(sm).Open(b.Context(), "api", naming.Pause(time.Millisecond))
	require.NoError(b, err)
	defer s.Close()
	b.ReportAllocs()
	first := true
	for c, err := range s.Changes(b.Context()) {
		require.NoError(b, err)
		if !first {
			require.Len(b, c.Events, 1)
		}
		first = false
		if !b.Loop() {
			return
		}
		change()
	}
}

// BenchmarkDecode decodes one instance.
func BenchmarkDecode(b *testing.B) {
	rich := naming.Instance{
		Service: "api", ID: "i00007", Address: "192.0.2.7", Port: 80, SSLPort: 443, Registered: time.UnixMilli(1_700_000_000_000),
		Weight: 3, Metadata: map[string]string{"zone": "a", "version": "1.2.3"}, URISpec: naming.URISpec{
			{Value: "scheme", Variable: true}, {Value: "://"}, {Value: "address", Variable: true}, {Value: ":"}, {Value: "port", Variable: true},
		},
	}
	plain, _, _, err := benchInstance(7, "192.0.2.7")
	require.NoError(b, err)
	for _, bb := range []struct {
		name  string
		codec naming.Codec
		in    naming.Instance
	}{
		{"plain", naming.Curator(), plain},
		{"rich", naming.Curator(), rich},
		{"spring", naming.Spring(), rich},
	} {
		b.Run(bb.name, func(b *testing.B) {
			name, data, err := bb.codec.Encode(bb.in)
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				_, err := bb.codec.Decode("api", name, data)
				require.NoError(b, err)
			}
		})
	}
}
