// Package messages has only tests: each verb of each package meets each trouble
// of a session, and no message says a thing twice. To read all messages, run them
// with -v.
package messages
