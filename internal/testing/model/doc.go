// Package model explores the two protocols that carry the promise of Docent:
// the trust of a session (trust.go) and the prepared turn of a wait queue
// (turn.go). It visits every state that any interleaving reaches within stated
// bounds.
//
// A model is not the code. It repeats the rules of the code in a small form, in
// which every order of events can be tried. Each model has broken variants,
// which leave out one rule. A test shows that the exploration finds a violation
// in each of them. docs/protocol.md explains both models.
package model
