package ui

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A request without a token gets no answer but a rejection, whatever its parts
// are, and begins nothing.
func FuzzStranger(f *testing.F) {
	path := "/" + strings.Repeat("A", pathLength) + "/"
	for _, at := range []string{
		"/", "/api/about", "/?token=", "/?token=%", "/?token=%00", "//api/about", path, path + "api/about", path + "..", path + "/api/events",
		"/%2fapi/about", "/api/about;x", "*", "http://page/api/about", "/api/drain#x", "/?x&token=a&token=b",
	} {
		f.Add("GET", at, "page", "Bearer x", "docent-ui=look.x; docent-ui=act.", "", "")
		f.Add("POST", at, "page:80", "", "", "http://page", "same-origin")
	}
	f.Add("HEAD", path, "[::1]", "bearer ", `docent-ui="look."`, "null", "none")
	f.Add("OPTIONS", "*", "", "Basic x", "docent-ui=", "", "cross-site")
	s := New(Config{Path: "/", Look: lookToken, Act: actToken, Hosts: []string{"page", "::1"}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	f.Fuzz(func(t *testing.T, method, at, host, auth, cookies, origin, site string) {
		u, err := url.ParseRequestURI(at)
		if err != nil || strings.Contains(at+auth, lookToken) || strings.Contains(at+auth, actToken) {
			t.Skip()
		}
		r := &http.Request{
			Method: method, URL: u, Host: host, RemoteAddr: "10.0.0.1:1", Body: http.NoBody, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Authorization": {auth}, "Cookie": {cookies}, "Origin": {origin}, "Sec-Fetch-Site": {site}},
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		require.Contains(t, []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusMisdirectedRequest}, w.Code)
		require.Equal(t, "close", w.Header().Get("Connection"))
		require.Empty(t, w.Header().Get("Set-Cookie"))
		require.Empty(t, w.Header().Get("Location"))
	})
}
