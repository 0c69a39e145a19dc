// Package guides has no code: its tests compile what the documentation shows.
//
// A block of Go stands in a page of Markdown, or in the documentation of a package. It is
// a whole program or a fragment. A whole program is compiled and run. A fragment is
// compiled in a function, with the imports that it uses, below the preamble of its page.
// The preamble declares what the page takes for granted: a session, a context, the
// reader's own functions. A fragment may also be a part of an example or a test,
// line by line, which then has the heavy libraries that it needs. An example of a
// package is compiled as pkg.go.dev prints it.
package guides
