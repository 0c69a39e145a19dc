// Package wire is ZooKeeper's protocol in bytes: frames, the records inside
// them, the kinds of requests, and the error codes with their classes. It knows
// neither sessions nor connections. Its only I/O is reading a frame. It never
// allocates for a length that exceeds the bytes that have arrived.
//
// The layouts come from zookeeper.jute and from the classes of ZooKeeper 3.9's
// package org.apache.zookeeper.proto.
package wire
