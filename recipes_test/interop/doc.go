// Package interop tests Docent's recipes and other libraries' recipes on the
// same nodes at the same time: Curator's in Java, kazoo's in Python, and
// go-zookeeper's own lock. It proves the table in docs/interop.md.
package interop
