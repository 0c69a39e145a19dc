//go:build !race

package main

// oneIn says that large tables of tests are tried as a whole.
const oneIn = 1
