package config_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func benchWorld(b *testing.B) (*zktest.Server, *session.Manager) {
	b.Helper()
	srv := zktest.New(b)
	sm, err := session.Dial(b.Context(), session.Config{Servers: []string{"zk1"}, Dialer: srv.DialContext})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, sm.Close()) })
	return srv, sm
}

var sink int

func BenchmarkLoad(b *testing.B) {
	srv, sm := benchWorld(b)
	require.NoError(b, srv.Put("/limits", []byte(`{"qps":7}`)))
	v, err := config.Open(b.Context(), sm, "/limits", config.JSON[Limits]())
	require.NoError(b, err)
	defer v.Close()
	b.ReportAllocs()
	for b.Loop() {
		sink += v.Load().Value.QPS
	}
}

// BenchmarkPublishToVisible writes a value and waits until Load shows it.
// BenchmarkSetEventGet is the same by hand, with nothing above the requests.
func BenchmarkPublishToVisible(b *testing.B) {
	srv, sm := benchWorld(b)
	require.NoError(b, srv.Put("/n", []byte("0")))
	v, err := config.Open(b.Context(), sm, "/n", config.Text())
	require.NoError(b, err)
	defer v.Close()
	writer, err := bridge.Core(sm).Session(b.Context())
	require.NoError(b, err)
	n, want := 0, int64(0)
	for snap := range v.Changes(b.Context()) {
		if snap.Zxid < want {
			continue
		}
		if !b.Loop() {
			break
		}
		n++
		stat, err := writer.Set(b.Context(), "/n", strconv.AppendInt(nil, int64(n), 10), session.AnyVersion)
		require.NoError(b, err)
		want = stat.Mzxid
	}
}

func BenchmarkSetEventGet(b *testing.B) {
	srv, sm := benchWorld(b)
	require.NoError(b, srv.Put("/n", []byte("0")))
	s, err := bridge.Core(sm).Session(b.Context())
	require.NoError(b, err)
	_, _, watch, err := s.GetW(b.Context(), "/n")
	require.NoError(b, err)
	n := 0
	for b.Loop() {
		n++
		_, err := s.Set(b.Context(), "/n", strconv.AppendInt(nil, int64(n), 10), session.AnyVersion)
		require.NoError(b, err)
		<-watch.Done()
		_, _, watch, err = s.GetW(b.Context(), "/n")
		require.NoError(b, err)
	}
}
