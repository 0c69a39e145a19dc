// Package child runs the command that a hold protects: it passes signals on to
// it, stops it when the hold is lost, and tells how it ended.
//
// # Process groups and terminals
//
// Without a controlling terminal (cron, systemd, containers, CI) the command
// gets a process group of its own. A signal sent to the whole group of its
// parent then reaches it once, through the parent; and what the command has
// started in its turn is stopped along with it, which matters for a
// `sh -c 'a; b'`: killing the shell alone would let a run on unprotected.
//
// With a controlling terminal the command stays in its parent's group. A group
// of its own would be a background one, which the terminal stops as soon as it
// reads, and Ctrl-Z and fg would reach the parent alone. The price is that the
// terminal sends Ctrl-C and Ctrl-\ to parent and command both, so those two
// are not passed on while the parent is in the terminal's foreground: the
// command has them already. There, only the command itself can be stopped and
// not what it started, since the group is shared with the parent and with
// whatever else stands in its pipeline.
//
// # When the parent is killed
//
// On Linux the kernel kills the command (SIGKILL, since nobody is left to
// enforce a grace period) as soon as the parent dies in a way that it cannot
// handle. This reaches the command itself, not its children, and not a program
// that gains privileges as it starts, such as sudo.
package child
