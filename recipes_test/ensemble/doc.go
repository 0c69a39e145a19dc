// Package ensemble runs real ZooKeeper servers for tests, and breaks them on
// purpose.
//
// [Start] launches one standalone server or a quorum on loopback ports, and
// returns once they serve. Each [Server] can be killed, stopped, paused,
// resumed and started again. A [Proxy] in front of a server cuts, delays or
// refuses the traffic of one client. [Ensemble.Proxied] gives a client a
// private proxy in front of every server. So one client can be partitioned
// while the others continue. [PeerProxies] and [Ensemble.Sever] partition the
// servers, and [OwnDisks] lets their disks run full. [Run] starts the docent
// command as a child process and captures its output line by line.
//
// Nothing outlives the test. Processes die with the test binary, on Linux even
// if it is killed. tb.Cleanup releases data directories and ports. A failed
// test prints the ends of the servers' logs and keeps the logs.
//
// A test package that uses [BuildDocent] or [Run] calls [Main] from its
// TestMain.
//
// # Versions
//
// DOCENT_CELL chooses the versions of ZooKeeper, Curator and kazoo: see [Cell].
// [Start] fails the test if a server runs another version.
//
// # Requirements
//
// Java on PATH (or JAVA_HOME), and ZooKeeper's jars: Debian's in
// /usr/share/java, or any list of jars in DOCENT_ZK_CLASSPATH. Without them
// [RequireZooKeeper] skips the test and says what is missing. With CI=true in
// the environment it fails the test instead. Servers and proxies listen on
// 127.0.0.1 only. The package is for Unix systems.
package ensemble
