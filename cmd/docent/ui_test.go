//go:build unix

package main

import (
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

func TestUI(t *testing.T) {
	server := zktest.New(t)
	ui := start(t, words("ui --listen 127.0.0.1:0"), on(server))
	url, found := strings.CutPrefix(ui.line(), "listening on ")
	require.True(t, found)
	response, err := http.Get(url)
	require.NoError(t, err)
	response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	http.DefaultClient.CloseIdleConnections()
	ui.kill(os.Interrupt)
	code, _ := ui.wait()
	require.Zero(t, code, ui.stderr)
}

func TestUIRefusals(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for line, want := range map[string]struct {
		code int
		text string
	}{
		"ui --listen 0.0.0.0:0":                       {exitUsage, "can be reached by other machines"},
		"ui --listen :0":                              {exitUsage, "can be reached by other machines"},
		"ui --listen nowhere":                         {exitUsage, "is not HOST:PORT"},
		"ui --limit -1":                               {exitUsage, "--limit"},
		"ui relative":                                 {exitUsage, "relative"},
		"ui --listen " + taken.Addr().String():        {exitFailure, "another server listens there"},
		"ui --listen 0.0.0.0:0 --token x --limit 100": {exitUsage, "--i-know"},
	} {
		code, stdout, stderr := docent(t, words(line), on(zktest.New(t)))
		require.Equal(t, want.code, code, "%s: %s", line, stderr)
		require.Contains(t, stderr, want.text, line)
		require.Equal(t, 1, strings.Count(stderr, "\n"), line)
		require.Empty(t, stdout, line)
	}
}

// On an address that others can reach, every request needs the token, given or
// random.
func TestUIForOthers(t *testing.T) {
	server := zktest.New(t)
	ui := start(t, words("ui --listen 0.0.0.0:0 --i-know"), on(server))
	url, token, found := strings.Cut(strings.TrimPrefix(ui.line(), "listening on "), "?token=")
	require.True(t, found)
	require.GreaterOrEqual(t, len(token), 20)
	url = strings.Replace(url, "[::]", "127.0.0.1", 1)
	response, err := http.Get(url)
	require.NoError(t, err)
	response.Body.Close()
	require.Equal(t, http.StatusUnauthorized, response.StatusCode)
	http.DefaultClient.CloseIdleConnections()
	ui.kill(os.Interrupt)
	code, _ := ui.wait()
	require.Zero(t, code, ui.stderr)
}
