// Package ui serves what package inspect finds as a page: one set of embedded
// files, live over server-sent events, read-only unless actions are allowed.
//
// # What it guards against
//
//   - Other pages in the viewer's browser: a request has to name the host that
//     is served (no DNS rebinding), an action has to come from the page itself,
//     and the page may load and reach nothing but this server.
//   - Other people, where the address is not loopback: every request needs the
//     token, once as a parameter and from then on as a cookie.
//   - Hostile nodes: all text from ZooKeeper goes to the page as JSON and into
//     it as text, never as markup.
//
// However many watch, the ensemble is read once for all of them, and not at all
// while nobody does.
package ui
