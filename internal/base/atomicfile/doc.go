// Package atomicfile reads and replaces files, and trusts no other user of the
// machine.
//
// A file is replaced as a whole, so that a reader never sees a part of the new
// content. Its directory is opened once, and everything else happens relative
// to that descriptor. The rules, in which "trusted" means this process's own
// effective user and root:
//
//   - A symbolic link is followed if its owner is trusted, wherever it lies in
//     the path. Linux has the same rule for links in sticky directories
//     (fs.protected_symlinks).
//   - The file's directory belongs to a trusted user. Other users may write to
//     it only if it is sticky, as /tmp is. A directory that its group may write
//     to is accepted: its owner has given the group that right. OpenSSH rejects
//     such a directory, because it reads keys there. Here the members can
//     replace the file, but have no other power: a file or a link of theirs is
//     rejected. The directories above are not checked. Who moves one of them
//     away can only put a directory or a link in its place that is rejected.
//   - The file is a regular one. A FIFO, a socket, a device and a directory are
//     rejected without being opened. No open blocks.
//   - A file that is replaced belongs to this process's own user, and keeps its
//     group. Root too rejects the file of another user: its owner could change
//     its mode and read every value. A file that other users than root are to
//     read has their group.
//   - A file that is read belongs to a trusted user, and others cannot write
//     to it.
//   - A secret (Secret) belongs to this process's own user, and gives other
//     users no right. It is read or created, and never replaced.
//   - Where other users may create files, a file has one name only. Otherwise
//     another user could choose the file's mode, by a hard link.
//
// Systems without owners, such as Windows, have only the rule of regular files.
package atomicfile
