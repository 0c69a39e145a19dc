//go:build unix

package ui

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// patience is the maximum wait for an event that must happen.
const patience = 3 * time.Minute

// browser is one window of a Chromium, driven over the WebDriver protocol.
type browser struct {
	*testing.T
	url string // of the WebDriver session
}

// open starts a Chromium with a profile of its own.
func open(t *testing.T, dark bool) *browser {
	t.Helper()
	for _, program := range []string{"chromium", "chromedriver"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("CI=true forbids skipping: %v", err)
			}
			t.Skipf("%v (Debian: apt-get install chromium chromium-driver)", err)
		}
	}
	port := freePort(t)
	driver := ensemble.Exec(t, nil, "chromedriver", "--port="+strconv.Itoa(port), "--allowed-ips=127.0.0.1")
	base := "http://127.0.0.1:" + strconv.Itoa(port)
	ensemble.Eventually(t, patience, "chromedriver answers", func() bool {
		response, err := http.Get(base + "/status")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	args := []string{
		"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,900",
		"--user-data-dir=" + t.TempDir(),
	}
	if dark {
		args = append(args, "--blink-settings=preferredColorScheme=0")
	}
	b := &browser{t, base + "/session"}
	var session struct {
		ID string `json:"sessionId"`
	}
	b.call("POST", "", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"browserName": "chrome", "goog:chromeOptions": map[string]any{"binary": "/usr/bin/chromium", "args": args},
	}}}, &session)
	b.url += "/" + session.ID
	t.Cleanup(func() {
		b.call("DELETE", "", nil, nil)
		driver.Signal(os.Interrupt)
		http.DefaultClient.CloseIdleConnections()
	})
	return b
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// call sends a WebDriver command.
func (b *browser) call(method, path string, body, value any) {
	b.Helper()
	var payload io.Reader
	if method == "POST" {
		if body == nil {
			body = struct{}{}
		}
		data, err := json.Marshal(body)
		require.NoError(b, err)
		payload = bytes.NewReader(data)
	}
	request, err := http.NewRequest(method, b.url+path, payload)
	require.NoError(b, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(b, err)
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	require.NoError(b, err)
	require.Equal(b, http.StatusOK, response.StatusCode, "%s", data)
	if value != nil {
		require.NoError(b, json.Unmarshal(data, &struct {
			Value any `json:"value"`
		}{value}))
	}
}

func (b *browser) visit(url string) {
	b.Helper()
	b.call("POST", "/url", map[string]any{"url": url}, nil)
}

// darken makes the page believe that the user prefers dark pages.
func (b *browser) darken() {
	b.Helper()
	b.call("POST", "/goog/cdp/execute", map[string]any{"cmd": "Emulation.setEmulatedMedia", "params": map[string]any{
		"features": []any{map[string]string{"name": "prefers-color-scheme", "value": "dark"}},
	}}, nil)
}

// phone gives the page the screen of a phone.
func (b *browser) phone() {
	b.Helper()
	b.call("POST", "/goog/cdp/execute", map[string]any{"cmd": "Emulation.setDeviceMetricsOverride", "params": map[string]any{
		"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": true,
	}}, nil)
}

// run runs a script on the page and returns its result.
func run[T any](b *browser, script string, args ...any) T {
	b.Helper()
	if args == nil {
		args = []any{}
	}
	var value T
	b.call("POST", "/execute/sync", map[string]any{"script": script, "args": args}, &value)
	return value
}

// sees waits until the text of the element that the selector finds contains the
// words.
func (b *browser) sees(selector, words string) {
	b.Helper()
	deadline := time.Now().Add(patience)
	for {
		text := run[string](b, `return [...document.querySelectorAll(arguments[0])].map((n) => n.innerText ?? n.textContent).join("\n")`, selector) // SVG has no innerText
		if bytes.Contains([]byte(text), []byte(words)) {
			return
		}
		if time.Now().After(deadline) {
			b.shot("failed")
			require.FailNow(b, fmt.Sprintf("%s never shows %q; it shows:\n%s", selector, words, text))
		}
	}
}

// Keys, by their WebDriver names.
const (
	enter  = "\ue007"
	escape = "\ue00c"
	down   = "\ue015"
)

// press sends keys to the element with the focus.
func (b *browser) press(keys ...string) {
	b.Helper()
	var actions []map[string]any
	for _, key := range keys {
		for _, r := range key {
			actions = append(actions, map[string]any{"type": "keyDown", "value": string(r)}, map[string]any{"type": "keyUp", "value": string(r)})
		}
	}
	b.call("POST", "/actions", map[string]any{"actions": []any{map[string]any{"type": "key", "id": "keyboard", "actions": actions}}}, nil)
}

// shot saves a picture of the page in the directory DOCENT_SHOTS, for people.
func (b *browser) shot(name string) {
	b.Helper()
	dir := os.Getenv("DOCENT_SHOTS")
	if dir == "" {
		return
	}
	var picture string
	b.call("GET", "/screenshot", nil, &picture)
	data, err := base64.StdEncoding.DecodeString(picture)
	require.NoError(b, err)
	require.NoError(b, os.WriteFile(dir+"/"+name+".png", data, 0o600))
}
