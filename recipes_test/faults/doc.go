// Package faults lets the recipes work on a real three-node ensemble while a
// seeded nemesis kills, pauses, parts and slows down its servers and the ways
// to them, and checks the histories of what they were answered for
// linearizability. Its client processes are paused while they hold, and every
// write with a stale token must be refused.
//
// DOCENT_DURATION is how long the nemesis goes on (90s), DOCENT_SEED which
// schedule it follows.
package faults
