// Package interop has the tests in which Docent's recipes and those of other
// libraries use the same nodes at the same time: Curator in Java, kazoo in Python,
// and go-zookeeper's own lock. docs/interop.md is the table that they prove.
package interop
