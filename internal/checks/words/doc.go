// Package words has no code. Its tests read the sentences in the module's code:
// help, errors, log lines. One thing has one word in all of them. Of errors,
// they read the names.
package words
