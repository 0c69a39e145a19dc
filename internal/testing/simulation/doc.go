// Package simulation runs random programs of several processes in virtual time,
// under every fault that the embedded server can make. A run can be repeated
// from its seed. The package is for tests alone, and knows no recipe: the
// programs of the recipes are in the suite below it.
//
// # A run
//
// A run has 2 to 9 processes. Actors work in them: goroutines that use a recipe
// as its users do. Meanwhile a director injects faults:
//
//   - cuts of a network path in one direction or both, broken connections,
//     refused and hung dials, latency;
//   - lost requests and answers, throttled requests;
//   - a frozen or restarted server, a lagging follower;
//   - a deposed leader, a slow or lost quorum;
//   - a re-attachment that is answered with another session;
//   - paused processes.
//
// No fault removes a node while its session can still be trusted. A forced run
// adds faults that no client can foresee: an administrator ends sessions, and
// other clients delete ephemeral nodes. In the end all faults are healed and
// every actor ends. Then the run fails if anything is left behind.
//
// One thing may be left: a container that has had no child. A call makes the
// directory first and then its node in it. It may end in between, together with
// its context or its process. ZooKeeper removes a container only once it has
// lost a child. The next call that uses the directory puts a child into it.
//
// # A paused process
//
// No goroutine of a bubble can be stopped from outside. So a pause has two
// halves. The network path holds everything in both directions, and delivers it
// in a burst afterwards. The actors stop at their next step until the pause is
// over. Then they continue with the step that they had decided on before, such
// as a write with a token that may be old by now. Many pauses hit an actor
// between its check of the context and its write, where they hurt most. Some of
// these outlast the session.
//
// The model has a limit: the library's goroutines and timers keep running in a
// paused process. They receive and send nothing, but their session ends at its
// trust deadline. In a real process that is stopped, it ends right after the
// process continues. An actor that checks its context after the pause sees the
// end in both cases.
//
// # Repeating a run
//
// All randomness comes from the seed. Each actor and the director has its own
// source. The fate of a request depends on its session and its number alone.
// The library's own pauses are seeded too (internal/base/chance). Every frame has
// its own latency of up to a millisecond, and every step of an actor takes its
// own time. So hardly two events share an instant, and events at different
// instants happen in the same order in every run.
package simulation
