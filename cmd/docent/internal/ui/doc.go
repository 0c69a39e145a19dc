// Package ui serves the reports of package inspect as a web page. Its files are
// embedded, its updates are server-sent events, and it is read-only unless
// actions are allowed.
//
// # What it guards against
//
//   - Other users of the machine and of the network: every request needs a
//     token. A browser gives the token once and gets a cookie for it (see
//     admission.go); other clients send it as a bearer token.
//   - Viewers who may look but not act: actions need a token of their own, and
//     are logged.
//   - Other pages in the viewer's browser: a request must name a host that is
//     served (no DNS rebinding) and must not come from another origin, and the
//     page may load from this server alone.
//   - Clients that stall: each part of a request and of an answer has a limit in
//     time, connections and viewers are counted, and viewers share the bytes of
//     a report.
//   - Hostile znodes: the page gets all text of ZooKeeper as JSON, and shows it
//     as text, never as markup.
//
// All viewers share one inspection of the ensemble. It runs only while there is
// a viewer, and for some seconds after.
package ui
