//go:build race

package main

// oneIn says that large tables of tests are tried in one part of so many under
// the race detector, which makes them take a minute.
const oneIn = 4
