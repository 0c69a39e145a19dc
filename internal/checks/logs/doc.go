// Package logs has only tests: docs/observability.md lists every line that Docent
// logs, and a healthy program logs none.
package logs
