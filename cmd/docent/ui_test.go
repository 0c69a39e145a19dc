//go:build unix

package main

import (
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// startUI starts "docent ui", and returns its addresses. The first has the token
// to look.
func startUI(t *testing.T, n int, line string, settings ...setting) (ui *invocation, urls []string) {
	t.Helper()
	ui = start(t, words(line), settings...)
	for range n {
		_, url, found := strings.Cut(ui.line(), " http")
		require.True(t, found)
		urls = append(urls, "http"+url)
	}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		ui.kill(os.Interrupt)
		code, rest := ui.wait()
		require.Zero(t, code, ui.stderr)
		require.Empty(t, rest)
	})
	return ui, urls
}

// get asks for an address as a browser does that keeps cookies.
func get(t *testing.T, url string) (code int, text string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	client := &http.Client{Jar: jar}
	response, err := client.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(data)
}

// The address that is printed opens the page, and no other does, also on a
// loopback address.
func TestFault47_UINeedsAToken(t *testing.T) {
	ui, urls := startUI(t, 1, "ui --listen 127.0.0.1:0", on(zktest.New(t)))
	base, token, found := strings.Cut(urls[0], "?token=")
	require.True(t, found)
	require.GreaterOrEqual(t, len(token), 26)
	code, text := get(t, urls[0])
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, text, "<title>docent</title>")
	require.NotContains(t, text, token)
	code, text = get(t, base)
	require.Equal(t, http.StatusUnauthorized, code)
	require.Equal(t, "Open the address that docent ui printed when it started: it has the token that this page needs.\n", text)
	require.Empty(t, ui.stderr.String())
}

// The right to act has a token of its own.
func TestFault47_UITokenToAct(t *testing.T) {
	ui, urls := startUI(t, 2, "ui --listen 127.0.0.1:0 --allow-actions", on(zktest.New(t)))
	_, look, _ := strings.Cut(urls[0], "?token=")
	base, act, found := strings.Cut(urls[1], "?token=")
	require.True(t, found)
	require.NotEqual(t, look, act)
	for token, code := range map[string]int{look: http.StatusForbidden, act: http.StatusConflict} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", base+"api/transfer", strings.NewReader(`{"path":"/e","id":"a","confirm":"a"}`))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		response.Body.Close()
		require.Equal(t, code, response.StatusCode)
	}
	require.Contains(t, ui.stderr.String(), "role=look outcome=rejected")
	require.Contains(t, ui.stderr.String(), "role=act path=/e id=a draining=false outcome=failed")
	require.NotContains(t, ui.stderr.String(), look)
	require.NotContains(t, ui.stderr.String(), act)
}

func TestUIWithoutToken(t *testing.T) {
	ui, urls := startUI(t, 1, "ui --listen 127.0.0.1:0 --no-token", on(zktest.New(t)))
	require.NotContains(t, urls[0], "token")
	code, _ := get(t, urls[0])
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, ui.stderr.String(), "every user of this machine can read what docent can read")
}

// A token that the user has is not printed.
func TestUIGivenToken(t *testing.T) {
	const token = "9f86d081884c7d659a2feaa0c55ad015"
	ui, urls := startUI(t, 1, "ui --listen 127.0.0.1:0", on(zktest.New(t)), env("DOCENT_UI_TOKEN="+token))
	require.NotContains(t, urls[0], "token")
	require.Contains(t, ui.stderr.String(), "add ?token=TOKEN to the address")
	require.NotContains(t, ui.stderr.String(), token)
	code, _ := get(t, urls[0]+"?token="+token)
	require.Equal(t, http.StatusOK, code)
	code, text := get(t, urls[0])
	require.Equal(t, http.StatusUnauthorized, code)
	require.Equal(t, "This page needs the token that docent ui was given: add ?token=TOKEN to the address that it printed.\n", text)
}

// The tokens of a file outlive the process.
func TestUITokenFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	server := zktest.New(t)
	var tokens []string
	for i := range 2 {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			ui, urls := startUI(t, 2, "ui --listen 127.0.0.1:0 --allow-actions --token-file "+file, on(server))
			require.NotContains(t, urls[0]+urls[1], "token")
			require.Contains(t, ui.stderr.String(), "the tokens are in "+file)
			info, err := os.Lstat(file)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode())
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			lines := strings.Fields(string(text))
			require.Len(t, lines, 2)
			require.NotEqual(t, lines[0], lines[1])
			if i > 0 {
				require.Equal(t, tokens, lines)
			}
			tokens = lines
			for _, token := range tokens {
				code, _ := get(t, urls[0]+"?token="+token)
				require.Equal(t, http.StatusOK, code)
				require.NotContains(t, ui.stderr.String(), token)
			}
		})
	}
}

// A file of another kind, of other rights or with other text is not read for a
// token, and not waited for.
func TestFault47_UITokenFileOfOthers(t *testing.T) {
	const good, poor = "9f86d081884c7d659a2feaa0c55ad015", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		require.NoError(t, os.WriteFile(at(name), []byte(text), 0o600))
		require.NoError(t, os.Chmod(at(name), mode))
	}
	write("readable", good, 0o644)
	write("group", good, 0o640)
	write("poor", good+"\n"+poor, 0o600)
	write("empty", "", 0o600)
	write("one", good, 0o600)
	write("same", good+"\n"+good, 0o600)
	write("three", good+"\nb\nc", 0o600)
	write("large", strings.Repeat(good, 1000), 0o600)
	require.NoError(t, syscall.Mkfifo(at("fifo"), 0o600))
	require.NoError(t, os.Mkdir(at("open"), 0o700))
	require.NoError(t, os.Chmod(at("open"), 0o777))
	for name, reason := range map[string]string{
		"readable": "mode 0644", "group": "mode 0640", "poor": "at least 8 different", "empty": "is empty", "one": "no token to act",
		"same": "are the same", "three": "more than two", "large": "more than",
		"fifo": "not a regular file", ".": "is a directory", "nowhere/file": "no such file",
		"open/file": "may be written by every user (mode 0777)", // who could exchange the file
	} {
		code, out, stderr := docent(t, words("ui --listen 127.0.0.1:0 --allow-actions --token-file "+at(name)), on(zktest.New(t)))
		require.NotZero(t, code, name)
		require.Empty(t, out, name)
		require.Contains(t, stderr, reason, name)
		require.NotContains(t, stderr, good, name)
		require.NotContains(t, stderr, poor, name)
		require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
	}
	require.NoFileExists(t, at("open/file"))
}

func TestUIRefusals(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for line, want := range map[string]struct {
		code int
		text string
	}{
		"ui --listen 0.0.0.0:0":                                      {exitUsage, "can be reached by other machines"},
		"ui --listen :0":                                             {exitUsage, "can be reached by other machines"},
		"ui --listen nowhere":                                        {exitUsage, "is not HOST:PORT"},
		"ui --limit -1":                                              {exitUsage, "--limit"},
		"ui relative":                                                {exitUsage, "relative"},
		"ui --listen " + taken.Addr().String():                       {exitFailure, "another server listens there"},
		"ui --listen 0.0.0.0:0 --token x --limit 100":                {exitUsage, "--i-know"},
		"ui --token x":                                               {exitUsage, "22 to 256 characters"},
		"ui --token " + strings.Repeat("x", 40):                      {exitUsage, "8 different ones"},
		"ui --listen 0.0.0.0:0 --i-know --no-token":                  {exitUsage, "leave --no-token out"},
		"ui --no-token --allow-actions":                              {exitUsage, "change ZooKeeper; leave one out"},
		"ui --no-token --token-file x":                               {exitUsage, "a token is given"},
		"ui --token 9f86d081884c7d659a2feaa0c55ad015 --token-file x": {exitUsage, "both give the token"},
		"ui --host a,b":                                              {exitUsage, "comma"},
		"ui --host zk1:80":                                           {exitUsage, "has a port"},
		"ui --host http://zk":                                        {exitUsage, "scheme"},
	} {
		code, stdout, stderr := docent(t, words(line), on(zktest.New(t)))
		require.Equal(t, want.code, code, "%s: %s", line, stderr)
		require.Contains(t, stderr, want.text, line)
		require.Equal(t, 1, strings.Count(stderr, "\n"), line)
		require.NotContains(t, stderr, "9f86d081884c7d659a2feaa0c55ad015")
		require.Empty(t, stdout, line)
	}
}

// On an address that others can reach, the page has the names that it was told.
func TestUIForOthers(t *testing.T) {
	_, urls := startUI(t, 1, "ui --listen 0.0.0.0:0 --i-know --host Console.Example", on(zktest.New(t)))
	require.Regexp(t, `^http://Console\.Example:\d+/\?token=[A-Z2-7]{26}$`, urls[0])
	url := strings.Replace(urls[0], "Console.Example", "127.0.0.1", 1)
	code, _ := get(t, url)
	require.Equal(t, http.StatusOK, code)
	base, token, _ := strings.Cut(url, "?token=")
	for host, want := range map[string]int{"console.example": http.StatusOK, "evil.example": http.StatusMisdirectedRequest} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", base+"api/about", nil)
		require.NoError(t, err)
		r.Host = host
		r.Header.Set("Authorization", "Bearer "+token)
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		response.Body.Close()
		require.Equal(t, want, response.StatusCode)
	}
}

func TestUIPrintsAnAddressThatOpens(t *testing.T) {
	_, urls := startUI(t, 1, "ui --listen 0.0.0.0:0 --i-know", on(zktest.New(t)))
	require.True(t, strings.HasPrefix(urls[0], "http://127.0.0.1:"), urls[0])
	code, _ := get(t, urls[0])
	require.Equal(t, http.StatusOK, code)
}
