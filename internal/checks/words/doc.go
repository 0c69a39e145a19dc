// Package words has no code. Its test reads the sentences in the module's code:
// help, errors, log lines. One thing has one word in all of them.
package words
