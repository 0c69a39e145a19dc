// Package simulation runs random programs of several processes in virtual
// time, under every fault that the embedded server knows, and lets a run be
// repeated from its seed. It is for tests alone, and knows no recipe: the
// programs of the recipes are in the suite below it.
//
// # A run
//
// A run has 2 to 9 processes. Actors work in them: goroutines that use a recipe
// as its users do. Meanwhile a director disturbs the world: cuts of a network path in one
// direction or both, broken connections, refused and hung dials, latency, lost
// requests and answers, a frozen or restarted server, a follower that lags, a leader
// that was deposed, a quorum that is slow or gone, throttled requests, a re-attachment
// that is answered with another session, and paused processes. No fault takes a node away that its session could still trust
// in. A forced run adds what no client can foresee: sessions
// that an administrator ends, and ephemeral nodes that strangers delete. In the
// end all is healed, every actor comes to an end, and it is looked for what is
// left behind.
//
// One thing may be left: a container that has had no child. A call makes the
// directory first and then its node in it, and may end in between, when its
// context or its process does. ZooKeeper removes a container only once it has
// lost a child. The next call that uses the directory ends that.
//
// # A paused process
//
// No goroutine of a bubble can be stopped from outside. So a pause is made of two
// halves. The network path holds everything in both directions, and delivers it
// in a burst afterwards. And the actors stop at their next step: they
// look at nothing and do nothing until the pause is over. What comes next is then
// the step that they had decided on before: a write with a token that may be
// old by now. Half of all pauses are put by an actor between its look at the
// context and its write, where they hurt most, and every fourth of them lasts longer than the
// session can.
//
// What the model leaves out: the goroutines and timers of the library go on
// in a paused process. They hear and send nothing, but a session of theirs ends at its
// trust deadline, where that of a process that stands still ends right after it
// goes on. An actor that looks at its context after the pause sees the end
// in both cases.
//
// # Repeating a run
//
// All chance comes from the seed: each actor, and the director, has a source of
// its own; what happens to a request depends on its session and its number
// alone; and the library's own pauses are seeded (internal/chance). Every frame has a latency of
// its own, of up to a millisecond, and every step of an actor takes some time
// of its own, so that hardly two things happen at one instant; what happens
// at different instants happens in the same order in every run.
package simulation
