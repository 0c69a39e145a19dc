// Package ui serves the reports of package inspect as a web page. Its files are
// embedded, its updates are server-sent events, and it is read-only unless
// actions are allowed.
//
// # What it guards against
//
//   - Other pages in the viewer's browser: a request must name the host that is
//     served (no DNS rebinding), an action must come from the page itself, and
//     the page may load from this server alone.
//   - Other users, if the address is not loopback: every request needs the
//     token, once as a parameter and then as a cookie.
//   - Hostile nodes: the page gets all text of ZooKeeper as JSON, and shows it
//     as text, never as markup.
//
// All viewers share one inspection of the ensemble. It runs only while there is
// a viewer.
package ui
