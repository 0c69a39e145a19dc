package ui

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
)

// look asks for details as a viewer, and returns the code and the text.
func (w *world) look(path string) (int, string) {
	w.Helper()
	response, text := w.ask("GET", path, "", bearer(lookToken))
	return response.StatusCode, text
}

func TestValues(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Path = "/app" })
	for path, data := range map[string]string{
		"/app/limits": `{"qps":2,"password":"hunter2"}`, "/app/password": "hunter2", "/app/binary": "\x00\xff" + strings.Repeat("\x01", 100),
		"/app/long": strings.Repeat("ä", maxShown), "/app/cut": strings.Repeat("x", maxShown-5) + "\npassword=hunter2", "/other": "hunter2", "/app/secret-bytes": "\xffhunter2",
	} {
		require.NoError(t, w.zk.Put(path, []byte(data)))
	}
	value := func(path string) (v valueJSON) {
		t.Helper()
		code, text := w.look("/api/value?path=" + url.QueryEscape(path))
		require.Equal(t, http.StatusOK, code, text)
		require.NotContains(t, text, "hunter2")
		require.NoError(t, json.Unmarshal([]byte(text), &v))
		return v
	}
	require.Equal(t, valueJSON{Text: "{\n  \"qps\": 2,\n  \"password\": \"(redacted)\"\n}", Bytes: 30, Redacted: true}, value("/app/limits"))
	require.Equal(t, valueJSON{Text: redacted, Bytes: 7, Redacted: true}, value("/app/password"))
	require.Equal(t, valueJSON{Text: redacted, Bytes: 8, Redacted: true}, value("/app/secret-bytes"))
	binary := value("/app/binary")
	require.Equal(t, "00ff01", binary.Hex[:6])
	require.Len(t, binary.Hex, 2*maxBinary)
	require.True(t, binary.Cut)
	long := value("/app/long")
	require.True(t, long.Cut)
	require.Equal(t, strings.Repeat("ä", maxShown/2), long.Text)
	require.True(t, value("/app/cut").Cut)

	for path, want := range map[string]int{
		"/api/value?path=/other": http.StatusForbidden, "/api/value?path=/app/../other": http.StatusBadRequest, "/api/value?path=/application": http.StatusForbidden,
		"/api/value": http.StatusForbidden, "/api/value?path=/app/none": http.StatusNotFound, "/api/queue?path=/other&layout=curator": http.StatusForbidden,
		"/api/queue?path=/app/limits&layout=x": http.StatusBadRequest, "/api/timeline?path=/other": http.StatusForbidden, "/api/timeline": http.StatusOK,
	} {
		code, text := w.look(path)
		require.Equal(t, want, code, "%s: %s", path, text)
		require.NotContains(t, text, "hunter2")
	}
	for _, path := range []string{"/api/value?path=/app/limits", "/api/queue?path=/app/limits", "/api/timeline"} {
		response, _ := w.ask("GET", path, "", nil)
		require.Equal(t, http.StatusUnauthorized, response.StatusCode, path)
		response, _ = w.ask("GET", path, "", func(r *http.Request) {
			bearer(lookToken)(r)
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Origin", "http://evil.example")
		})
		require.Equal(t, http.StatusForbidden, response.StatusCode, path)
	}
}

// A znode that an ACL hides from docent ui is hidden from its viewers.
func TestValueWithoutTheRight(t *testing.T) {
	w := newWorld(t)
	owner, err := session.Dial(t.Context(), session.Config{Servers: []string{"zk1"}, Dialer: w.zk.DialContext,
		Auth: []session.Credential{session.Digest("owner", "secret")}, ACL: session.CreatorACL()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, owner.Close()) })
	_, err = owner.Create(t.Context(), "/mine", []byte("hunter2"), session.Persistent)
	require.NoError(t, err)
	code, text := w.look("/api/value?path=/mine")
	require.Equal(t, http.StatusForbidden, code)
	require.Equal(t, "An ACL hides it from the credentials that docent ui was started with.\n", text)
}

// does sends an action, and returns the code and the text.
func (w *world) does(name, path, id, more string) (int, string) {
	w.Helper()
	body, err := json.Marshal(map[string]string{"path": path, "id": id, "confirm": id, "layout": more})
	require.NoError(w, err)
	response, text := w.ask("POST", "/api/"+name, string(body), func(r *http.Request) {
		bearer(actToken)(r)
		r.Header.Set("Content-Type", "application/json")
	})
	return response.StatusCode, text
}

func TestMoreActions(t *testing.T) {
	w := newWorld(t)
	h, err := lock.NewMutex(w.sm, "/l", lock.ID("ann")).Lock(t.Context())
	require.NoError(t, err)
	code, text := w.does("revoke", h.Path(), h.Path(), "")
	require.Equal(t, http.StatusNoContent, code, text)
	<-h.Revoked()

	gate := barrier.New(w.sm, "/gate")
	require.NoError(t, gate.Set(t.Context()))
	code, text = w.does("lift", "/gate", "gate", "")
	require.Equal(t, http.StatusConflict, code)
	require.Contains(t, text, "send the path as id")
	code, text = w.does("lift", "/gate", "/gate", "")
	require.Equal(t, http.StatusNoContent, code, text)
	set, err := gate.IsSet(t.Context())
	require.NoError(t, err)
	require.False(t, set)
	require.NoError(t, w.zk.Put("/config/key", []byte("1")))
	code, _ = w.does("lift", "/config/key", "/config/key", "")
	require.Equal(t, http.StatusConflict, code, "it is not a gate")

	const stuck = "/stuck/_c_00000000-1111-4222-8333-000000000001-lock-0000000000"
	require.NoError(t, w.zk.Put(stuck, []byte("10.0.0.1")))
	code, _ = w.does("remove", h.Path(), h.Path(), "")
	require.Equal(t, http.StatusConflict, code, "a session owns it")
	code, text = w.does("remove", stuck, stuck, "")
	require.Equal(t, http.StatusNoContent, code, text)
	_, exists := w.zk.Node(stuck)
	require.False(t, exists)

	q := queue.New(w.sm, "/q")
	for range 3 {
		_, err := q.Put(t.Context(), []byte(`{"n":1,"token":"hunter2"}`))
		require.NoError(t, err)
	}
	for range 2 {
		item, err := q.Take(t.Context())
		require.NoError(t, err)
		require.NoError(t, item.Reject("password=hunter2 is wrong"))
	}
	code, text = w.look("/api/queue?layout=curator&path=/q")
	require.Equal(t, http.StatusOK, code)
	require.NotContains(t, text, "hunter2")
	var content queueJSON
	require.NoError(t, json.Unmarshal([]byte(text), &content))
	require.Len(t, content.Letters, 2)
	require.Len(t, content.Items, 1)
	first, second := content.Letters[0].ID, content.Letters[1].ID
	code, text = w.does("redrive", "/q", first, "curator")
	require.Equal(t, http.StatusNoContent, code, text)
	code, text = w.does("discard", "/q", second, "curator")
	require.Equal(t, http.StatusNoContent, code, text)
	code, text = w.does("discard", "/q", second, "curator")
	require.Equal(t, http.StatusConflict, code)
	require.Contains(t, text, "does not exist any longer")
	code, text = w.does("redrive", "/q", first, "")
	require.Equal(t, http.StatusConflict, code)
	require.Contains(t, text, "layout")
	n, err := q.Len(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, n)
	for _, name := range []string{"revoke", "lift", "remove", "redrive", "discard"} {
		require.Regexp(t, "what="+name+" .*outcome=done", w.log.String())
		response, _ := w.ask("POST", "/api/"+name, `{"path":"/q","id":"/q","confirm":"/q"}`, func(r *http.Request) {
			bearer(lookToken)(r)
			r.Header.Set("Content-Type", "application/json")
		})
		require.Equal(t, http.StatusForbidden, response.StatusCode, name)
	}
}
