// Package reference generates completion scripts for shells, and the man page,
// from the grammar of a command line. It reads the model that the parser reads,
// so the two always agree.
package reference
