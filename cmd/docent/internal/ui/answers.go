package ui

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strings"
)

// notice is the page that a browser shows for a rejected request. It needs no
// other file, which would need the token.
const notice = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>docent</title>
<style>` + noticeStyle + `</style>
</head>
<body>
<main>
<h1>docent</h1>
<p>%s</p>
</main>
</body>
</html>
`

// noticeStyle has the colours of style.css.
const noticeStyle = `
:root { color-scheme: light dark; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: #f6f7f9; color: #1a1d23; font: 17px/1.5 system-ui, sans-serif; }
main { box-sizing: border-box; width: min(34rem, 100vw - 2rem); padding: 1.5rem 1.75rem; background: #fff; border: 1px solid #d5dae2; border-radius: 10px; }
h1 { margin: 0 0 .5rem; font-size: 1.1rem; color: #5a6372; }
p { margin: 0; text-wrap: pretty; }
@media (prefers-color-scheme: dark) {
  body { background: #14171c; color: #e8eaee; }
  main { background: #1d2127; border-color: #353b46; }
  h1 { color: #a2abba; }
}
`

// noticePolicy allows the notice its style, and nothing else.
var noticePolicy = func() string {
	sum := sha256.Sum256([]byte(noticeStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// reject answers a request that has no right to be served, and ends its
// connection.
func (s *Server) reject(w http.ResponseWriter, r *http.Request, code int, sentence string) {
	w.Header().Set("Connection", "close")
	fail(w, r, code, sentence)
}

// busy answers a request that exceeds a limit now and may succeed later.
func (s *Server) busy(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", retryAfter)
	s.reject(w, r, http.StatusServiceUnavailable, "Too many viewers look at this page: close one, or try again in "+retryAfter+" seconds.")
}

// retryAfter is in seconds.
const retryAfter = "10"

// fail answers with one sentence, as a page if the browser shows it.
func fail(w http.ResponseWriter, r *http.Request, code int, sentence string) {
	h := w.Header()
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", noticePolicy)
		sentence = fmt.Sprintf(notice, html.EscapeString(sentence))
	} else {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		sentence += "\n"
	}
	w.WriteHeader(code)
	_, _ = w.Write([]byte(sentence)) // fails if the viewer has gone
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // fails if the viewer has gone
}
