// Package ensemble runs real ZooKeeper servers for tests and breaks them on purpose.
//
// [Start] launches one standalone server or a quorum on loopback ports and returns once they serve. Each [Server] can be
// killed, stopped, paused, resumed and started again. A [Proxy] stands in front of a server for one client and cuts,
// delays or refuses its traffic; [Ensemble.Proxied] gives a client a private proxy in front of every server, so that one
// client can be partitioned while the others go on. [PeerProxies] and [Ensemble.Sever] part the servers from each other, and
// [OwnDisks] lets their disks run full. [Run] starts the docent command as a child process and captures its
// output line by line.
//
// Nothing outlives the test: processes die with the test binary (on Linux even when it is killed), data directories and
// ports are given back in tb.Cleanup. A test that fails prints the ends of the servers' logs and keeps the logs.
//
// A test package that uses [BuildDocent] or [Run] calls [Main] from its TestMain.
//
// # What the machine must have
//
// Java on PATH (or JAVA_HOME), and ZooKeeper's jars: Debian's in /usr/share/java, or any list of jars in
// DOCENT_ZK_CLASSPATH. Without them [RequireZooKeeper] skips the test and says what is missing; with CI=true in the
// environment it fails instead. Servers and proxies listen on 127.0.0.1 only. The package is for Unix systems.
package ensemble
