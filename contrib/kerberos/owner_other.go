//go:build !unix

package kerberos

// ownFile accepts every file: this system has no owners to compare.
func ownFile(string) error { return nil }
