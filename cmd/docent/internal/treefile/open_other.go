//go:build !unix

package treefile

const nonBlocking = 0
