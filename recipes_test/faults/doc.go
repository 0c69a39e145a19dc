// Package faults runs the recipes on a real three-node ensemble under a seeded
// nemesis. The nemesis kills, pauses, parts, slows down, deposes, upgrades and
// fills the servers, moves their clocks, and breaks the clients' connections.
// The histories of all answers are checked for linearizability: docs/histories.md
// has the model of each recipe. Client processes are paused while they hold, and
// every write with a stale token must be refused.
//
// DOCENT_DURATION is the duration of the faults (90s), DOCENT_SEED chooses
// their schedule.
package faults
