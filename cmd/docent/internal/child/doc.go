// Package child runs the command that a hold protects. It passes signals on to
// the command, stops it when the hold is lost, and returns how it ended.
//
// # Process groups and terminals
//
// Without a controlling terminal (cron, systemd, containers, CI) the command
// gets a process group of its own. A signal to the whole group of its parent
// then reaches the command once, through the parent. The processes that the
// command has started are stopped together with it. That matters for a
// `sh -c 'a; b'`: if only the shell is killed, a runs on unprotected.
//
// With a controlling terminal the command stays in its parent's group. In a
// group of its own it would be in the background: the terminal would stop it as
// soon as it reads, and Ctrl-Z and fg would reach the parent alone. The price
// is that the terminal sends Ctrl-C and Ctrl-\ to the parent and to the
// command. So the parent does not pass these two on while it is in the
// terminal's foreground. There, the command alone can be stopped, and not the
// processes that it has started: its group also has the parent and the rest of
// the parent's pipeline.
//
// # When the parent is killed
//
// On Linux the kernel kills the command with SIGKILL as soon as the parent dies
// in a way that it cannot handle. Only the parent could enforce a grace period.
// The signal reaches the command itself, not its children,
// and not a program that gains privileges as it starts, such as sudo.
//
// # Orphans
//
// A process whose parent has ended becomes a child of process 1 of its
// container. If that is docent, ReapOrphans waits for such processes, or they
// would remain as zombies. It never waits for a command that Run waits for:
// the two share the list of these commands, and a lock from before the fork.
package child
