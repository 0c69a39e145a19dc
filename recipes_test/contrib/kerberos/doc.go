// Package kerberos tests contrib/kerberos with a real KDC of MIT Kerberos and
// real ZooKeeper servers. The package has only tests.
package kerberos
