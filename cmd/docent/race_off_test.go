//go:build !race

package main

// oneIn says that each verb is tried on every kind of znode.
const oneIn = 1
