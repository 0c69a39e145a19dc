// Package reference writes what is derived from the grammar of a command line:
// completion scripts for shells, and the man page. It reads the same model that
// the parser does, so that neither can be out of date.
package reference
